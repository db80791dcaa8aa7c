"""The mail catcher of a cluster for development, asked by its API (Mailpit, /api/v1)."""

import json
from urllib.parse import quote
from urllib.request import urlopen

from gateway_config.smoke.visit import CALL_SECONDS, Mailbox


def mailpit(url: str) -> Mailbox:
    """The newest mail to an address, as text."""

    def newest(address: str) -> str | None:
        query = quote(f'to:"{address}"')
        found = _read(f"{url}/api/v1/search?query={query}&limit=1")["messages"]
        return str(_read(f"{url}/api/v1/message/{found[0]['ID']}")["Text"]) if found else None

    return newest


def _read(address: str) -> dict[str, list[dict[str, str]]]:
    with urlopen(address, timeout=CALL_SECONDS) as answer:  # noqa: S310  # the release's own catcher
        found: dict[str, list[dict[str, str]]] = json.load(answer)
    return found
