"""Open work as it was before it stood in the payments: notes in a collection of their own."""

from mongo_store import Database
from mongo_store.database import reachable
from payment_service.outbound.repositories import COLLECTION

NOTES = "open_work"


async def adopt_former_notes(database: Database) -> None:
    """Notes go into the payments they are about, unless these have been written since; done again at any time.

    A process of that release that still runs goes by what it notes itself.
    """
    notes, payments = database.collection(NOTES), database.collection(COLLECTION)
    with reachable():
        async for note in notes.find({}):
            as_noted = {"_id": note["_id"], "update_time": note["since"], "awaited": {"$exists": False}}
            told = {"awaited": True, "work": note["work"], "due": note["due"]}
            await payments.update_one(as_noted, {"$set": told})
            await notes.delete_one({"_id": note["_id"], "due": note["due"]})
