"""`python -m gateway_config.smoke URL` makes the checks, a line each; exit code 1 when one is wrong."""

import argparse
import os
import sys

from gateway_config.smoke import Account, Visit, smoke
from gateway_config.smoke.mailpit import mailpit

EMAIL, PASSWORD = "SMOKE_EMAIL", "SMOKE_PASSWORD"


def main() -> None:
    """Read the command line and the account in the environment."""
    parser = argparse.ArgumentParser(
        prog="python -m gateway_config.smoke",
        description="Asks a running platform through its gateway.",
        epilog=f"{EMAIL} and {PASSWORD}: an account whose address is verified; without one, and without --mail, nobody "
        "signs in and what needs somebody is skipped.",
    )
    parser.add_argument("url", help="of the gateway, such as http://127.0.0.1:8080")
    parser.add_argument("--name", default="", help="in the gateway's certificate, where it differs from the URL's")
    parser.add_argument("--certificate", default="", help="file with the gateway's certificate, or of who signs it")
    parser.add_argument("--outside", default="", metavar="URL", help="looked at too: where the world comes in")
    parser.add_argument("--mail", default="", metavar="URL", help="of a Mailpit that catches all mail")
    given = parser.parse_args()
    email = os.environ.get(EMAIL, "")
    visit = Visit(
        given.url.rstrip("/"),
        name=given.name,
        certificate=given.certificate,
        account=Account(email, os.environ.get(PASSWORD, "")) if email else None,
        mail=mailpit(given.mail.rstrip("/")) if given.mail else None,
        outside=given.outside,
    )
    worst = 0
    for outcome in smoke(visit):
        print(outcome, flush=True)  # noqa: T201  # a command
        worst |= outcome.verdict == "wrong"
    sys.exit(worst)


if __name__ == "__main__":
    main()
