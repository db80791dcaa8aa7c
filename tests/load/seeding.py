"""Fills an event with bookings as if they had been made: copies of one that was, straight into the database."""

import itertools
from typing import Any

from sale import Sale, database_uri

from domain_kit.ids import new_id
from local_stack.stack import Stack
from mongo_store import open_database

AT_ONCE = 1000
BUYERS = 1000


async def fill(stack: Stack, sale: Sale, booking: str, count: int) -> list[list[str]]:
    """`count` copies of a held booking with their journal rows; what would have been acknowledged of them."""
    async with open_database(database_uri(stack), "usher_booking") as database:
        bookings, journal = database.collection("bookings"), database.collection("journal")
        document = await bookings.find_one({"_id": booking})
        row = await journal.find_one({"agg": booking})
        inventory = await database.collection("inventory").find_one({"_id": sale.event})
        if document is None or row is None or inventory is None:
            raise LookupError(f"{booking} is not there to be copied")
        names = [f"{sale.event}/bookings/{new_id()}" for _ in range(count)]
        for start in range(0, count, AT_ONCE):
            part = list(itertools.islice(names, start, start + AT_ONCE))
            copies = [
                {**document, "_id": name, "buyer": f"users/{number % BUYERS}"}
                for number, name in enumerate(part, start)
            ]
            await bookings.insert_many(copies, ordered=False)
            await journal.insert_many([_row(row, copy) for copy in copies], ordered=False)
        (pool,) = inventory["taken"]
        raised = {"$inc": {f"taken.{pool}": count, "version": 1}}
        await database.collection("inventory").update_one({"_id": sale.event}, raised)
    return [[name, "BOOKING_STATE_HELD"] for name in names]


def _row(row: dict[str, Any], copy: dict[str, Any]) -> dict[str, Any]:
    """Published long ago: no relay looks at it again."""
    (event,) = row["ev"]
    return {
        **row,
        "_id": f"seed|{copy['_id']}",
        "agg": copy["_id"],
        "ev": [{**event, "id": new_id(), "s": copy["_id"]}],
        "ans": copy,
    }
