"""What one transaction costs that writes what a booking writes and knows nothing of bookings."""

import os
import time
from typing import Any

from pymongo import InsertOne, MongoClient, ReplaceOne
from pymongo.write_concern import WriteConcern

from booking_service.outbound.repositories import INDEXES

DURABLE = WriteConcern(w="majority", j=True)
BARE, BOOKINGS, INVENTORY, JOURNAL, PENDING = "usher_bare", "bookings", "inventory", "journal", "journal_pending"


def bare_transactions(uri: str, seconds: float, rest: float) -> list[int]:
    """Microseconds each, sorted: copies of a booking's four documents in collections with its indexes, by the driver.

    That is: a journal row, the booking, a guarded inventory, what is still to be published; one after the other.
    rest: seconds from one to the next.
    """
    taken: list[int] = []
    with MongoClient[dict[str, Any]](uri) as client:
        row, booking, inventory = _written_by_a_booking(client)
        client.drop_database(BARE)
        client[BARE][BOOKINGS].create_indexes([index.model() for index in INDEXES[BOOKINGS]])
        client[BARE][INVENTORY].insert_one({**inventory, "version": 0})
        end, number = time.perf_counter() + seconds, 0
        while time.perf_counter() < end:
            began, id = time.perf_counter(), os.urandom(13).hex()
            with client.start_session() as session, session.start_transaction(write_concern=DURABLE):
                guard = {"_id": inventory["_id"], "version": number}
                writes = [
                    InsertOne({**row, "_id": id}, namespace=f"{BARE}.{JOURNAL}"),
                    InsertOne({**booking, "_id": f"{booking['event']}/bookings/{id}"}, namespace=f"{BARE}.{BOOKINGS}"),
                    ReplaceOne(guard, {**inventory, "version": number + 1}, namespace=f"{BARE}.{INVENTORY}"),
                    InsertOne({"_id": id, "rows": [id]}, namespace=f"{BARE}.{PENDING}"),
                ]
                client.bulk_write(writes, session=session)
            taken.append(round((time.perf_counter() - began) * 1e6))
            number += 1
            time.sleep(rest)
        client.drop_database(BARE)
    return sorted(taken)


def _written_by_a_booking(client: MongoClient[dict[str, Any]]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Journal row, booking and inventory of one that is held."""
    database = client["usher_booking"]
    booking = database[BOOKINGS].find_one({"state": "HELD", "version": 1})
    if booking is None:
        raise LookupError("no booking is held that could be copied")
    row, inventory = database[JOURNAL].find_one({"agg": booking["_id"]}), database[INVENTORY].find_one(booking["event"])
    if row is None or inventory is None:
        raise LookupError(f"the database knows only half of {booking['_id']}")
    return row, booking, inventory
