"""`python -m gateway_config.samples URL` brings sample events in, once: for clusters where people develop.

Whoever owns them registers as anybody would, so all mail has to end in a Mailpit.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gateway_config.smoke.mailpit import mailpit
from gateway_config.smoke.selling import organizer_of, proved, registered, signed_in
from gateway_config.smoke.visit import Account, Visit, Wrong, fresh_id, told

OWNER = Account("calendar@example.org", "for development alone 66")
STARTING_SECONDS = 300.0  # until a platform that was just started answers
LEAD, ROUND = timedelta(days=14), timedelta(weeks=52)  # which keep weekday and season


def import_samples(visit: Visit, lines: Iterable[str], now: datetime) -> int:
    """How many events were imported and published; 0 where the owner has some already. Wrong."""
    visit.eventually(lambda: _answers(visit), "an answer of the gateway")
    _signed_in(visit)
    organizer = organizer_of(visit)
    if visit.done("GET", f"/v1/{organizer}/events?pageSize=1")["events"]:
        return 0
    events = [ahead(json.loads(line), now) for line in lines if line.strip()]
    body = {"jsonLines": "\n".join(map(json.dumps, events)), "publish": True, "requestId": fresh_id()}
    answer = visit.done("POST", f"/v1/{organizer}/events:import", body)
    if answer.get("errors"):
        raise Wrong(f"the events were refused: {answer['errors'][0]}")
    return int(answer["importedCount"])


def ahead(line: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The event moved by as many rounds as it takes to begin at least two weeks from now."""
    event = dict(line["event"])
    begins = datetime.fromisoformat(event["startTime"])
    shift = ROUND * max(0, -(-(now + LEAD - begins) // ROUND))
    for name in ("startTime", "endTime"):
        event[name] = (datetime.fromisoformat(event[name]) + shift).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {**line, "event": event}


def _answers(visit: Visit) -> bool | None:
    try:
        return True if visit.ask("GET", "/.well-known/jwks.json")[0] == 200 else None
    except (OSError, ValueError):
        return None


def _signed_in(visit: Visit) -> None:
    """Registers first, or proves the address, where that was not done before."""
    account = visit.account or OWNER
    status, answer = visit.ask("POST", "/v1/sessions:signIn", {"email": account.email, "password": account.password})
    if status == 401:
        registered(visit, account)
    elif status == 400:  # EMAIL_NOT_VERIFIED: it ended in between
        visit.ask("POST", "/v1/users:resendVerification", {"email": account.email, "requestId": fresh_id()})
        proved(visit, account)
    elif status != 200:
        raise Wrong(f"sign-in: {told(status, answer)}")
    signed_in(visit, account)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m gateway_config.samples", description=__doc__)
    parser.add_argument("url", help="of the gateway")
    parser.add_argument("--mail", required=True, metavar="URL", help="of the Mailpit that catches all mail")
    parser.add_argument("--events", required=True, type=Path, help="file with lines of an import (JSON)")
    given = parser.parse_args()
    visit = Visit(given.url.rstrip("/"), mail=mailpit(given.mail.rstrip("/")), arrival_seconds=STARTING_SECONDS)
    try:
        count = import_samples(visit, given.events.read_text("utf-8").splitlines(), datetime.now(UTC))
    except (Wrong, OSError, ValueError) as error:
        sys.exit(f"no events were imported: {error}")
    print(f"{count} events imported" if count else "there are events already")  # noqa: T201  # a command


if __name__ == "__main__":
    main()
