"""How long 100,000 ledger entries take to verify: a database of its own, the figures for docs/performance.md.

`python tests/load/ledger.py [--entries N]`; half a minute.
"""

import argparse
import asyncio
import os
import random
import time
from datetime import UTC, datetime, timedelta

from domain_kit.ids import new_id
from domain_kit.money import Money
from mongo_store import Database, open_database
from payment_service.domain.bookkeeping import Deal, captured
from payment_service.domain.chain import Head, extended
from payment_service.domain.ledger import Entry, balances_after
from payment_service.domain.terms import Terms
from payment_service.outbound.ledger import BALANCES, BLOCKS, ENDS, INDEXES, verified
from payment_service.outbound.ledger_documents import balance_document, block_document, head_document
from testkit.engines import mongo_engine

BEGIN = datetime(2027, 1, 1, tzinfo=UTC)
ORGANIZERS, ROUNDS = 300, 5


def entries(count: int) -> list[Entry]:
    """Captures with both fees, over many organizers and three currencies."""
    dice, made = random.Random(1), list[Entry]()
    organizers = [f"organizers/{new_id()}" for _ in range(ORGANIZERS)]
    for number in range(count):
        currency, id = dice.choice(["CAD", "EUR", "USD"]), new_id()
        deal = Deal(
            f"payments/{id}", dice.choice(organizers), "stripe", Money(dice.randrange(500, 20_000), currency),
            f"pi_{id}", id, Terms(250),
        )  # fmt: skip
        made += captured(deal, BEGIN + timedelta(milliseconds=number), Money(88, currency))
        if len(made) >= count:
            break
    return made[:count]


async def fill(database: Database, made: list[Entry]) -> None:
    """As the bookkeeper would have left it."""
    await database.ensure_indexes(INDEXES)
    head, blocks = extended(Head(), None, made)
    for start in range(0, len(blocks), 10):
        await database.collection(BLOCKS).insert_many([block_document(each) for each in blocks[start : start + 10]])
    balances = balances_after({}, made)
    await database.collection(BALANCES).insert_many(
        [balance_document(*key, amount) for key, amount in balances.items()]
    )
    await database.collection(ENDS).insert_one(head_document(head, 1))


async def measure(uri: str, count: int) -> list[tuple[float, float]]:
    """Seconds, and those of the CPU that this process took, of each of some walks. ValueError: not all was well."""
    walks = []
    async with open_database(uri, f"ledger_{new_id()}") as database:
        await fill(database, entries(count))
        for _ in range(ROUNDS):
            began, busy = time.monotonic(), time.process_time()
            told = await verified(database)
            walks.append((time.monotonic() - began, time.process_time() - busy))
            if told.head.count != count or told.findings:
                raise ValueError(f"{told.head.count} entries of {count}, {len(told.findings)} faults")
            figures = f"{walks[-1][0]:.2f} s, CPU {walks[-1][1]:.2f} s, load {os.getloadavg()[0]:.1f}"
            print(f"  {count:,} ledger entries verified: {figures}", flush=True)
    return walks


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000)
    with mongo_engine() as uri:
        asyncio.run(measure(uri, parser.parse_args().entries))
