"""What one transaction costs that writes as much as a booking and knows nothing of bookings."""

import os
import time

from pymongo import InsertOne, MongoClient, UpdateOne
from pymongo.write_concern import WriteConcern

DURABLE = WriteConcern(w="majority", j=True)
SIZES = (1200, 700)  # bytes of a journal row and of a booking


def bare_transactions(uri: str, seconds: float) -> list[int]:
    """Microseconds each, sorted: two documents, one guarded counter, one commit, one after the other."""
    taken: list[int] = []
    with MongoClient(uri) as client:  # type: ignore[var-annotated]
        names = [f"usher_bare.{name}" for name in ("rows", "things", "counters")]
        client["usher_bare"]["counters"].replace_one({"_id": "c"}, {"_id": "c", "version": 0}, upsert=True)
        end, number = time.perf_counter() + seconds, 0
        while time.perf_counter() < end:
            began = time.perf_counter()
            with client.start_session() as session, session.start_transaction(write_concern=DURABLE):
                writes = [
                    InsertOne({"_id": os.urandom(12), "data": os.urandom(size)}, namespace=name)
                    for name, size in zip(names, SIZES, strict=False)
                ]
                guard = UpdateOne({"_id": "c", "version": number}, {"$inc": {"version": 1}}, namespace=names[2])
                client.bulk_write([*writes, guard], session=session)
            taken.append(round((time.perf_counter() - began) * 1e6))
            number += 1
        client.drop_database("usher_bare")
    return sorted(taken)
