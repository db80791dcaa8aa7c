"""Payment's ledger in a running stack's database, and what a gateway reports."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from domain_kit.money import Money
from domain_kit.refusals import Refusal
from local_stack.stack import Stack
from mongo_store import Journal
from payment_service.commands import anchor_of
from payment_service.domain.chain import Head
from payment_service.domain.gateways import Entry as Line
from payment_service.domain.reconciliation import Discrepancy, corrections, movements, reconciled
from payment_service.domain.verification import Anchor, Finding
from payment_service.outbound.gateway_reports import reported_by
from payment_service.outbound.ledger import booked, entries_of, verified
from usher_cli.event_stores import database_of
from usher_cli.options import CommandFailure

MARGIN = timedelta(days=1)
"""How far two clocks, and the time a gateway takes to book, may lie apart."""


def noted(anchor: str) -> Anchor | None:
    """What an earlier verification told; CommandFailure."""
    try:
        return anchor_of(anchor)
    except ValueError as wrong:
        raise CommandFailure(str(wrong)) from None


async def verified_ledger(stack: Stack, anchor: Anchor | None) -> tuple[Head, list[Finding]]:
    """Where the ledger ends, and what is wrong with it."""
    async with database_of(stack, "payment") as database:
        told = await verified(database, anchor)
    return told.head, told.findings


async def reconciled_gateway(
    stack: Stack,
    gateway: str,
    since: datetime,
    until: datetime,
    lines: Sequence[Line] | None,
    credentials: Mapping[str, str],
    *,
    correct: bool = False,
) -> tuple[list[Discrepancy], int]:
    """Differences of that time, and how many fees were corrected after; `lines` None: the gateway is asked."""
    start, end = since - MARGIN, until + MARGIN
    if lines is None:
        lines = await reported_by(gateway, credentials, start, end)
    async with database_of(stack, "payment") as database:
        ours = [each async for each in entries_of(database, f"gateways/{gateway}", start, end)]
        moved = movements(gateway, ours)
        told = [each for each in lines if since <= each.time < until]
        made = corrections(gateway, moved, told) if correct else []
        await booked(Journal(database), made)
    return reconciled(moved, lines, since, until), len(made)


def credentials_of(gateway: str, path: Path) -> Mapping[str, str]:
    """Of one gateway in the file of all; CommandFailure."""
    try:
        given: Mapping[str, str] = json.loads(path.read_text("utf-8"))[gateway]
    except (ValueError, KeyError, TypeError) as trouble:
        raise CommandFailure(f"{path}: no credentials for {gateway}") from trouble
    return given


def lines_of_report(path: Path) -> list[Line]:
    """The lines of a file; CommandFailure names the first one that is wrong."""
    lines = []
    for number, text in enumerate(path.read_text("utf-8").splitlines(), 1):
        if text.strip():
            try:
                lines.append(_line(text))
            except (ValueError, KeyError, TypeError, Refusal) as trouble:
                raise CommandFailure(f"{path}:{number}: {trouble}") from trouble
    return lines


def _line(text: str) -> Line:
    given = json.loads(text)
    time = datetime.fromisoformat(given["time"])
    if time.tzinfo is None:
        raise ValueError("a time needs its distance to UTC")
    currency = given["currency"]
    return Line(
        given["id"], given["kind"], given["reference"], given.get("key", ""), Money(int(given["amount"]), currency),
        Money(int(given.get("fee", 0)), currency), time,
    )  # fmt: skip
