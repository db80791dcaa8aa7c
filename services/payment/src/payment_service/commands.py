"""`python -m payment_service verify`: whether the books are as they were written, for operators."""

import argparse
import re
from collections.abc import Sequence

from chassis import Command, Said
from environment import ServiceSettings
from mongo_store import Database
from payment_service.domain.chain import Head
from payment_service.domain.verification import Anchor, Finding
from payment_service.outbound.ledger import verified

WRONG_BOOKS = 4


def anchor_of(text: str) -> Anchor | None:
    """NUMBER:HASH as an earlier verification told; None of nothing. ValueError."""
    if not text:
        return None
    noted = re.fullmatch(r"([0-9]+):([0-9a-f]{64})", text)
    if not noted:
        raise ValueError("an anchor is NUMBER:HASH, the hash in 64 hex digits")
    return Anchor(int(noted[1]), bytes.fromhex(noted[2]))


def told(head: Head, findings: Sequence[Finding]) -> list[str]:
    """What a verification found, a line each, and the anchor to note last."""
    verdict = f"{len(findings)} faults" if findings else "sound"
    return [
        *(f"{each.fault.value} {each.number or ''} {each.what}" for each in findings),
        f"{head.count} entries, {verdict}; anchor {head.count}:{head.link.hex()}",
    ]


async def _verify(_: ServiceSettings, database: Database, given: argparse.Namespace) -> Said:
    found = await verified(database, given.anchor)
    return Said(told(found.head, found.findings), WRONG_BOOKS if found.findings else 0)


def _anchor(text: str) -> Anchor | None:
    try:
        return anchor_of(text)
    except ValueError as wrong:
        raise argparse.ArgumentTypeError(str(wrong)) from None


def _takes_anchor(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--anchor", type=_anchor, help="NUMBER:HASH as an earlier verification told; must still hold")


VERIFY = Command("verify", "check every entry of the ledger; exit code 4: something is wrong", _takes_anchor, _verify)
