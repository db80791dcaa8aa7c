"""What waits to be sent is remembered, looked for now and then, and sent in the order in which it was queued."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from domain_kit.clock import utc_now
from domain_kit.ids import new_id
from domain_kit.repository import Cause
from mongo_store import Journal, JournalRow, Write, open_database
from mongo_store.schema import prepare
from notification_service.composition import SCHEMA
from notification_service.domain.letter import Letter
from notification_service.domain.notification import queued
from notification_service.outbound import repositories
from notification_service.outbound.repositories import MongoNotifications

LETTER = Letter("email_verification", "en", (("name", "Ada"), ("token", "t")))


@pytest.fixture
async def journal(mongodb: str) -> AsyncIterator[Journal]:
    async with open_database(mongodb, f"test_{new_id()}") as database:
        await prepare(database, SCHEMA)
        yield Journal(database)
        await database.client.drop_database(database.name)


class Counting(MongoNotifications):
    """Counts its looks at the store."""

    looks = 0

    async def _look(self, limit: int) -> None:
        self.looks += 1
        await super()._look(limit)


async def queue(notifications: MongoNotifications, count: int) -> list[str]:
    names: list[str] = []
    for number in range(count):
        made, events = queued("users/u", "a@example.org", new_id(), "r", LETTER, utc_now(), ("", ""))
        names.append((await notifications.create(made, events, cause=Cause(f"{made.name}|{number}"))).name)
    return names


async def send(notifications: MongoNotifications, at_once: int) -> list[str]:
    sent: list[str] = []
    while waiting := await notifications.waiting(at_once):
        for each in waiting:
            await notifications.update(
                each.name, lambda letter: letter.delivered(1, utc_now()), cause=Cause(f"sent|{each.name}")
            )
            sent.append(each.name)
    return sent


async def test_more_than_are_remembered_are_all_sent_once_in_their_order_with_few_looks(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repositories, "MOST_REMEMBERED", 8)
    notifications = Counting(journal)
    names = await queue(notifications, 30)
    assert await send(notifications, 4) == names
    assert notifications.looks <= 1 + 30 // 4  # of 8 each, when fewer than 4 of them are left
    assert await MongoNotifications(journal).waiting(4) == []


async def test_while_many_wait_the_store_is_looked_at_only_now_and_then(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repositories, "MANY", 5)
    monkeypatch.setattr(repositories, "SECONDS_WITH_MANY", 60.0)
    notifications, elsewhere = Counting(journal), MongoNotifications(journal)
    names = await queue(notifications, 20)
    assert len(await notifications.waiting(2)) == 2
    theirs = await queue(elsewhere, 1)
    assert await send(notifications, 2) == names
    assert notifications.looks == 1
    monkeypatch.setattr(notifications, "_look_at", float("-inf"))
    assert await send(notifications, 2) == theirs


async def test_what_others_have_sent_is_forgotten_with_the_next_look(journal: Journal) -> None:
    notifications, elsewhere = MongoNotifications(journal), MongoNotifications(journal)
    names = await queue(notifications, 3)
    assert await send(elsewhere, 9) == names
    assert await notifications.waiting(9) == []


async def test_a_letter_that_was_sent_before_its_commit_was_acknowledged_is_not_sent_again(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the answer to a commit is lost, and the driver asks again."""
    notifications, committed, acknowledged = MongoNotifications(journal), asyncio.Event(), asyncio.Event()
    commit = journal.commit

    async def late(writes: Sequence[Write], row: JournalRow) -> None:
        await commit(writes, row)
        committed.set()
        await acknowledged.wait()

    monkeypatch.setattr(journal, "commit", late)
    queueing = asyncio.create_task(queue(notifications, 1))
    await committed.wait()
    monkeypatch.setattr(journal, "commit", commit)
    sent = await send(notifications, 9)
    acknowledged.set()
    assert sent == await queueing
    assert await notifications.waiting(9) == []
