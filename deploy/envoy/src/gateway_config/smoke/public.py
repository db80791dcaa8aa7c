"""What needs no account."""

from collections.abc import Callable, Mapping
from typing import Any

from gateway_config.smoke.visit import Visit, Wrong, told

Fits = Callable[[int, Any], bool]
# What is asked → what a healthy platform answers. Each goes through the transcoder to another service.
ANSWERS: Mapping[str, Fits] = {
    "/.well-known/jwks.json": lambda status, body: status == 200 and bool(body["keys"]),
    "/v1/events:search": lambda status, body: status == 200 and isinstance(body["hits"], list),
    "/v1/events/00000000000000000000000000": lambda status, _: status == 404,
    "/v1/users/00000000000000000000000000": lambda status, _: status == 401,
    "/v1/nothing": lambda status, body: status == 404 and body["details"][0]["reason"] == "PATH_UNKNOWN",
}


def answers_strangers(visit: Visit) -> None:
    """Keys, search and refusals are as they are for everybody"""
    wrong = []
    for path, fits in ANSWERS.items():
        status, body = visit.ask("GET", path)
        try:
            if not fits(status, body):
                wrong.append(f"{path}: {told(status, body)}")
        except LookupError:
            wrong.append(f"{path}: {told(status, body)}")
    if wrong:
        raise Wrong("; ".join(wrong))
