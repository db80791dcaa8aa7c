"""Indexes follow the version that runs."""

import pytest

from domain_kit.ids import new_id
from mongo_store import Index, open_database


@pytest.mark.parametrize(
    "earlier",
    [
        Index("due", [("time", 1)], where={"state": "HELD"}),
        Index("due", [("state", 1)]),
        Index("due", [("time", 1)], unique=True),
    ],
)
async def test_an_index_that_an_earlier_version_made_otherwise_is_made_anew(mongo_uri: str, earlier: Index) -> None:
    wanted = Index("due", [("time", 1)], where={"time": {"$gt": 0}})
    async with open_database(mongo_uri, f"test_{new_id()}") as database:
        await database.ensure_indexes({"jars": [earlier, Index("label", [("label", 1)])]})
        for _ in range(2):
            await database.ensure_indexes({"jars": [wanted]})
        made = await database.collection("jars").index_information()
        assert set(made) == {"_id_", "due", "label"}
        assert (made["due"]["key"], made["due"]["partialFilterExpression"]) == ([("time", 1)], {"time": {"$gt": 0}})
        assert "unique" not in made["due"]
