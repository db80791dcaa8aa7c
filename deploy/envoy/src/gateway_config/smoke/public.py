"""`python -m gateway_config.smoke URL` asks a running platform, through its gateway, what needs no account."""

import json
import ssl
import sys
from collections.abc import Callable, Mapping
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

Check = Callable[[int, Any], bool]
# What is asked → what a healthy platform answers. Each goes through the transcoder to another service.
CHECKS: Mapping[str, Check] = {
    "/.well-known/jwks.json": lambda status, body: status == 200 and bool(body["keys"]),
    "/v1/events:search": lambda status, body: status == 200 and isinstance(body["hits"], list),
    "/v1/events/00000000000000000000000000": lambda status, _: status == 404,
    "/v1/users/00000000000000000000000000": lambda status, _: status == 401,
    "/v1/nothing": lambda status, body: status == 404 and body["details"][0]["reason"] == "PATH_UNKNOWN",
}


def smoke(url: str, *, verify: bool = True) -> list[str]:
    """What was wrong, one line a check; empty when the platform answers as it should."""
    context = ssl.create_default_context()
    if not verify:  # from inside the cluster the gateway has another name than its certificate
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return [problem for path, check in CHECKS.items() if (problem := _problem(url, path, check, context))]


def _problem(url: str, path: str, check: Check, context: ssl.SSLContext) -> str:
    try:
        status, body = _asked(url + path, context)
        return "" if check(status, body) else f"{path}: {status} {json.dumps(body)[:200]}"
    except (OSError, ValueError, LookupError) as error:
        return f"{path}: {error!r}"


def _asked(address: str, context: ssl.SSLContext) -> tuple[int, Any]:
    request = Request(address, headers={"accept": "application/json"})  # noqa: S310  # the address is the release's own gateway
    try:
        with urlopen(request, timeout=10, context=context) as answer:  # noqa: S310  # the address is the release's own gateway
            return answer.status, json.load(answer)
    except HTTPError as refused:
        return refused.code, json.load(refused)


if __name__ == "__main__":
    problems = smoke(sys.argv[1], verify="--insecure" not in sys.argv)
    print("\n".join(problems) or "The gateway and the services behind it answer.")  # noqa: T201 a command
    sys.exit(bool(problems))
