"""Every step that changes something outside the process has a named place at which a test can end the process."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from testkit.sources import Function, functions_of, platform_functions

# (receiver, called name) of what writes, publishes or has somebody else act.
WRITES = [
    (r".*(journal|bulk)", r"commit(_batch)?"),
    (r"", r"transact"),
    (r".*", r"(insert|update|replace|delete)_(one|many|new)|bulk_write|find_one_and_\w+"),
    (r"_?(writer|producer|lines)", r"send"),
    (r"_?(reader|consumer)", r"commit"),
    (r"_?gateway", r"begin|confirm|cancel|capture|refund"),
    (r"_client", r"index|delete|bulk"),
]
# Where a crash is of no consequence, and why.
WITHOUT = {
    "chassis.key_cache:StoredKeySet.save": "a copy of what the user service tells anybody who asks",
    "mongo_store.copies:Copying.close": "an operator's command, repeated by whoever gave it; no code begins meanwhile",
    "mongo_store.copies:Copying.reopen": "an operator's command; what stays closed is opened by the next restore",
    "mongo_store.copies:Copying.empty": "an operator's command, repeated by whoever gave it; no code begins meanwhile",
    "mongo_store.copies:Copying.write": "an operator's command, repeated by whoever gave it; no code begins meanwhile",
    "mongo_store.copies:Copying.open": "an operator's command, repeated by whoever gave it",
    "mongo_store.inbox:MongoInbox.reset": "an operator's command, repeated by whoever gave it",
    "mongo_store.inbox:MongoInbox.revive": "an operator's command, repeated by whoever gave it",
    "mongo_store.inbox:MongoInbox.note_handled_types": "written after the place was rewound, and the same each time",
    "mongo_store.outbox:MongoOutbox.hold_lease": "a lease ends by itself",
    "mongo_store.outbox:MongoOutbox.release_lease": "a lease ends by itself",
    "mongo_store.former:adopt_former_rows": "before the process serves, and done again until its last step is done",
    "mongo_store.sessions:Sessions._note": "written again before the next transaction",
    "mongo_store.sessions:Sessions.end_abandoned": "ending what is ended changes nothing; the next one does it",
    "mongo_store.sessions:Sessions.close": "a note about a process that is gone, which others clear away",
    "mongo_store.instances:noted": "a note that ends by itself",
    "mongo_store.instances:older_instances": "what is deleted has ended by itself",
    "mongo_store.schema:_begin": "one update, which tells until when; a repeat after that goes on from it",
    "mongo_store.schema:_settle": "one update; before it a repeat begins anew, after it one takes away again",
    "mongo_store.schema:_raise": "one update; whatever came before it is repeated, which the tests of both callers try",
    "mongo_store.schema:_take_back": "older code stays refused until whoever wanted to contract asks again",
    "event_backbone.kafka:KafkaWriter._enqueue": "a wrapper: who sends through it has a place of its own",
    "event_backbone.kafka:KafkaReader.commit": "a wrapper: who commits through it has a place of its own",
    "event_backbone.kafka:KafkaReader.rewind": "a wrapper: who rewinds through it has a place of its own",
    "event_backbone.recovery:replay": "an operator's command, repeated by whoever gave it",
    "elastic_store.index:Index.put": "one document with its version: there or not, and its writer comes again",
    "elastic_store.index:Index.delete": "one document with its version: there or not, and its writer comes again",
    "payment_service.handlers.capture_payment:capture_payment": "an order is captured once, and settling asks",
    "analytics_service.outbound.former:adopt_former_facts": "before the process serves, and repeated until it is done",
    "analytics_service.outbound.notes:Notes.add_to_count": "only more of what is to be counted again",
    "analytics_service.outbound.notes:Notes.add_to_show": "only more of what is to be shown again",
    "booking_service.outbound.place_keys:PlaceKeys.add": "a key is made before the process serves",
    "booking_service.outbound.ticket_keys:TicketKeys.add": "a key is made before the process serves",
    "payment_service.outbound.former:adopt_former_notes": "repeated each minute; the note goes last",
    "payment_service.outbound.ledger:booked": "an operator's command, repeated by whoever gave it: the same entries",
    "payment_service.outbound.payouts:MongoPayouts.add": "one commit under its request id, as a repository's",
    "payment_service.outbound.keepers:MongoKeepers.add": "written once, and by whoever asks again, before it is used",
    "user_service.outbound.signing_keys:SigningKeys._make": "a key is made long before it signs",
    "user_service.outbound.repositories:MongoUsers.note": "a request id and nothing else",
    "user_service.outbound.repositories:MongoUsers.replace_hash": "the same password, hashed anew",
    "user_service.outbound.sign_in_failures:MongoSignInFailures.add": "one $inc; what it deletes first was forgotten",
    "user_service.outbound.sign_in_failures:MongoSignInFailures.clear": "a count outlives a success at worst",
}


def writes(function: Function) -> bool:
    return any(
        re.fullmatch(receiver, of) and re.fullmatch(name, called)
        for of, called in function.calls()
        for receiver, name in WRITES
    )


def without_crash_point(functions: Sequence[Function]) -> Iterator[str]:
    """Those that write, and neither they nor their only caller has a place to crash at."""
    callers: dict[str, set[Function]] = defaultdict(set)
    for function in functions:
        for _, called in function.calls():
            callers[called].add(function)
    for function in functions:
        if not writes(function) or function.crash_points:
            continue
        above = {each for each in callers[function.own_name] if each.path != function.path}
        if function.own_name.startswith("_"):
            above = {each for each in above if each.module == function.module}
        if len(above) != 1 or not next(iter(above)).crash_points:
            yield function.path


def test_every_write_has_a_crash_point_beside_it_or_in_its_only_caller() -> None:
    """INVARIANT: no step that a crash could tear apart is out of reach of the tests that crash there."""
    assert set(without_crash_point(platform_functions())) - set(WITHOUT) == set()


def test_every_exception_still_writes() -> None:
    needless = set(WITHOUT) - set(without_crash_point(platform_functions()))
    assert needless == set()


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
    assert list(without_crash_point(functions_of(WRITER, "m"))) == ["m:Store.write"]
    assert list(without_crash_point(functions_of(WRITER.replace('crash_point("a.b")', "pass"), "m"))) == [
        "m:Store.write",
        "m:Store._step",
    ]
    assert list(without_crash_point(functions_of(WRITER + "\nasync def other(): await x.write()\n", "m"))) == [
        "m:Store.write"
    ]
