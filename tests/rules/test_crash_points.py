"""Every step that changes something outside the process has a named place at which a test can end the process.

A place stands before the first write of a function and between any two, so that each can be the last that was done.
"""

import re
from collections import defaultdict
from collections.abc import Sequence

import pytest

from testkit.sources import Function, functions_of, platform_functions

# (receiver, called name) of what writes, publishes or has somebody else act.
WRITES = [
    (r".*(journal|bulk|store|outbox)", r"commit(_batch)?"),
    (r"", r"transact"),
    (r".*", r"(insert|update|replace|delete)_(one|many|new)|bulk_write|find_one_and_\w+"),
    (r"delegate|admin|.*database", r"command"),
    (r".*(writer|producer|lines)", r"send(_and_wait)?"),
    (r".*", r"send_and_wait|send_message"),
    (r"_?(reader|consumer)", r"commit"),
    (r"_?(gateways?|adapter)(_of|_for)?", r"begin|confirm|cancel|capture|refund"),
    (r"_client|_?index", r"index|delete|bulk|update|delete_by_query"),
]
# Where a crash is of no consequence, and why; of one write, unless `SEVERAL` says of how many.
WITHOUT = {
    "chassis.key_cache:StoredKeySet.save": "a copy of what the user service tells anybody who asks",
    "mongo_store.copies:Copying.close": "an operator's command, repeated by whoever gave it; no code begins meanwhile",
    "mongo_store.copies:Copying.reopen": "an operator's command; what stays closed is opened by the next restore",
    "mongo_store.copies:Copying.empty": "an operator's command, repeated by whoever gave it; no code begins meanwhile",
    "mongo_store.copies:Copying.write": "an operator's command, repeated by whoever gave it; no code begins meanwhile",
    "mongo_store.copies:Copying.open": "an operator's command, repeated by whoever gave it",
    "mongo_store.database:Database.ping": "asks and changes nothing",
    "mongo_store.inbox:MongoInbox.advance": "the second is done only where the first did nothing",
    "mongo_store.inbox:MongoInbox.reset": "an operator's command, repeated by whoever gave it",
    "mongo_store.inbox:MongoInbox.revive": "an operator's command, repeated by whoever gave it",
    "mongo_store.inbox:MongoInbox.note_handled_types": "written after the place was rewound, and the same each time",
    "mongo_store.outbox:MongoOutbox.hold_lease": "a lease ends by itself",
    "mongo_store.outbox:MongoOutbox.release_lease": "a lease ends by itself",
    "mongo_store.former:_adopt": "before the process serves, and done again until its last step is done",
    "mongo_store.sessions:Sessions._note": "written again before the next transaction",
    "mongo_store.sessions:Sessions.end_abandoned": "ending what is ended changes nothing; the next one does it",
    "mongo_store.sessions:Sessions.close": "a note about a process that is gone, which others clear away",
    "mongo_store.instances:noted": "a note that ends by itself",
    "mongo_store.instances:older_instances": "what is deleted has ended by itself",
    "mongo_store.schema:_begin": "one update, which tells until when; a repeat after that goes on from it",
    "mongo_store.schema:_settle": "one update; before it a repeat begins anew, after it one takes away again",
    "mongo_store.schema:_raise": "one update; whatever came before it is repeated, which the tests of both callers try",
    "mongo_store.schema:_take_back": "older code stays refused until whoever wanted to contract asks again",
    "mongo_store.transaction:_send_alike": "within a transaction, whose commit has places of its own",
    "mongo_store.transaction:_send_together": "within a transaction, whose commit has places of its own",
    "event_backbone.kafka:KafkaWriter._enqueue": "a wrapper: who sends through it has a place of its own",
    "event_backbone.kafka:KafkaReader.commit": "a wrapper: who commits through it has a place of its own",
    "event_backbone.kafka:KafkaReader.rewind": "a wrapper: who rewinds through it has a place of its own",
    "event_backbone.recovery:replay": "an operator's command, repeated by whoever gave it",
    "elastic_store.index:Index.put": "one document with its version: there or not, and its writer comes again",
    "elastic_store.index:Index.delete": "one document with its version: there or not, and its writer comes again",
    "payment_service.handlers.begin_attempt:begin_attempt": "before it nothing was done; who asks again begins anew",
    "payment_service.handlers.begin_attempt:call_off": "before it nothing was done; settling asks again",
    "payment_service.handlers.capture_payment:capture_payment": "an order is captured once, and settling asks",
    "payment_service.handlers.settle_payment:_refunds": "before it all is as payment.before_refund left it",
    "analytics_service.outbound.fact_index:ElasticFactIndex.put": "Index.bulk has places of its own",
    "analytics_service.outbound.former:adopt_former_facts": "before the process serves, and repeated until it is done",
    "analytics_service.outbound.notes:Notes.add_to_count": "only more of what is to be counted again",
    "analytics_service.outbound.notes:Notes.add_to_show": "only more of what is to be shown again",
    "analytics_service.outbound.sheets:MongoSheets.replace": "one or the other, never both",
    "booking_service.outbound.place_keys:PlaceKeys.add": "a key is made before the process serves",
    "booking_service.outbound.ticket_keys:TicketKeys.add": "a key is made before the process serves",
    "payment_service.outbound.former:adopt_former_notes": "repeated each minute; the note goes last",
    "payment_service.outbound.ledger:booked": "an operator's command, repeated by whoever gave it: the same entries",
    "payment_service.outbound.payouts:MongoPayouts.add": "one commit under its request id, as a repository's",
    "payment_service.outbound.keepers:MongoKeepers.add": "written once, and by whoever asks again, before it is used",
    "payment_service.outbound.open_work:MongoOpenWork.take": "before it nothing was done: it stays due",
    "payment_service.outbound.webhook_inbox:MongoWebhookInbox.take": "before it nothing was done: it stays due",
    "payment_service.outbound.webhook_inbox:MongoWebhookInbox._insert": "before it nobody was answered: they ask again",
    "payment_service.outbound.webhook_inbox:MongoWebhookInbox._close": "before it it stays open and is applied again",
    "search_service.outbound.event_index:ElasticEventIndex._flush": "Index.bulk has places of its own",
    "user_service.outbound.signing_keys:SigningKeys._make": "a key is made long before it signs",
    "user_service.outbound.repositories:MongoUsers.note": "a request id and nothing else",
    "user_service.outbound.repositories:MongoUsers.replace_hash": "the same password, hashed anew",
    "user_service.outbound.sign_in_failures:MongoSignInFailures.add": "one $inc; what it deletes first was forgotten",
    "user_service.outbound.sign_in_failures:MongoSignInFailures.clear": "a count outlives a success at worst",
}


SEVERAL = {
    "mongo_store.copies:Copying.close": 2,
    "mongo_store.copies:Copying.reopen": 2,
    "mongo_store.copies:Copying.empty": 2,
    "mongo_store.copies:Copying.open": 2,
    "mongo_store.inbox:MongoInbox.reset": 2,
    "mongo_store.instances:noted": 2,
    "mongo_store.schema:_raise": 2,
    "mongo_store.sessions:Sessions.end_abandoned": 2,
    "analytics_service.outbound.former:adopt_former_facts": 2,
    "payment_service.outbound.former:adopt_former_notes": 2,
    "user_service.outbound.sign_in_failures:MongoSignInFailures.add": 2,
}


def is_write(receiver: str, called: str) -> bool:
    return any(re.fullmatch(of, receiver) and re.fullmatch(name, called) for of, name in WRITES)


def without_crash_point(functions: Sequence[Function]) -> dict[str, int]:
    """Path → how many of its writes no place to crash at stands before, since the write before it or at all.

    One in its only caller counts for the first.
    """
    callers: dict[str, set[Function]] = defaultdict(set)
    for function in functions:
        for _, called in function.calls():
            callers[called].add(function)
    found: dict[str, int] = {}
    for function in functions:
        above = {each for each in callers[function.own_name] if each.path != function.path}
        if function.own_name.startswith("_"):
            above = {each for each in above if each.module == function.module}
        reached, missing = len(above) == 1 and bool(next(iter(above)).crash_points), 0
        for receiver, called in function.calls():
            if called == "crash_point":
                reached = True
            elif is_write(receiver, called):
                missing += not reached
                reached = False
        if missing:
            found[function.path] = missing
    return found


def test_a_crash_point_stands_before_each_write_or_in_its_only_caller() -> None:
    """INVARIANT: no step that a crash could tear apart is out of reach of the tests that crash there."""
    assert without_crash_point(platform_functions()) == {path: SEVERAL.get(path, 1) for path in WITHOUT}
    assert SEVERAL.keys() <= WITHOUT.keys()


def test_the_names_of_crash_points_say_where_they_stand() -> None:
    names = [name for function in platform_functions() for name in function.crash_points]
    assert len(names) >= 30
    assert [name for name in names if not re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", name)] == []
    assert sorted(names) == sorted(set(names))


WRITER = """
class Store:
    async def write(self):
        await self._documents.insert_one({})

    async def _step(self):
        await self._journal.commit([], row)

    async def above(self):
        crash_point("a.b")
        await self._step()
"""


def test_a_write_without_one_is_found() -> None:
    assert without_crash_point(functions_of(WRITER, "m")) == {"m:Store.write": 1}
    assert without_crash_point(functions_of(WRITER.replace('crash_point("a.b")', "pass"), "m")) == {
        "m:Store.write": 1,
        "m:Store._step": 1,
    }
    other = "\nasync def other(): await x.write()\n"
    assert without_crash_point(functions_of(WRITER + other, "m")) == {"m:Store.write": 1}


@pytest.mark.parametrize(
    ("body", "missing"),
    [
        ("crash_point('a.b'); await self._docs.insert_one({}); await self._other.delete_one({})", 1),
        ("await self._docs.insert_one({}); await self._other.insert_one({}); crash_point('a.b')", 2),
        ("await self._docs.insert_one({}); crash_point('a.b'); await self._other.insert_one({})", 1),
        (
            "crash_point('a.b'); await self._docs.insert_one({}); crash_point('a.c'); await self._other.insert_one({})",
            0,
        ),
        ("database.client.delegate.admin.command({'bulkWrite': 1})", 1),
        ("database.client.delegate[database.name].command({'insert': 'x'})", 1),
        ("await self._client.bulk_write([])", 1),
        ("await self._store.commit([], row)", 1),
        ("await self._outbox.commit([], row)", 1),
        ("await self._producer.send_and_wait(1)", 1),
        ("async with broker.writer() as opened: await opened.send([1])", 1),
        ("await self._smtp.send_message(letter)", 1),
        ("await self._lines.send(letter)", 1),
        ("await self._index.bulk([])", 1),
        ("await self._client.delete_by_query(index=1)", 1),
        ("await self._gateways[x].refund(1)", 1),
        ("await self._gateway_of(x).refund(1)", 1),
        ("await collection('x').insert_one({})", 1),
        ("await self._docs.find_one({})", 0),
    ],
)
def test_each_write_counts(body: str, missing: int) -> None:
    source = f"async def write(self):\n    {body}\n"
    assert without_crash_point(functions_of(source, "m")).get("m:write", 0) == missing
