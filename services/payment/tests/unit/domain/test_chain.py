"""Whatever somebody does to a stored ledger is found."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_kit.money import Money
from payment_service.domain import chain
from payment_service.domain.chain import Block, Head, canonical, entry_of, extended, numbered
from payment_service.domain.ledger import Account, AccountKind, Balances, Entry, FactKind, Posting, balances_after
from payment_service.domain.verification import Anchor, Fault, Finding, Verifier

INSTANTS = st.integers(0, 4_000_000_000_000).map(
    lambda ms: datetime.fromtimestamp(ms // 1000, UTC).replace(microsecond=ms % 1000 * 1000)
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
OWNERS = st.sampled_from(["organizers/a", "organizers/b", "gateways/stripe", "platform"])
ACCOUNTS = st.builds(Account, OWNERS, st.sampled_from(AccountKind))


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    debit, credit = draw(st.lists(ACCOUNTS, min_size=2, max_size=2, unique=True))
    money = Money(draw(st.integers(1, 2**50)), draw(st.sampled_from(["CAD", "EUR", "JPY"])))
    postings = Posting(debit, money), Posting(credit, money * -1)
    id = draw(st.uuids()).hex
    return Entry(id, draw(st.sampled_from(FactKind)), draw(INSTANTS), draw(TEXTS), postings, draw(TEXTS), draw(TEXTS))


LISTS = st.lists(entries(), min_size=1, max_size=12, unique_by=lambda entry: entry.id)


def chained(made: list[Entry], batch: int = 100) -> tuple[Head, list[Block]]:
    head, blocks = Head(), list[Block]()
    for start in range(0, len(made), batch):
        head, grown = extended(head, blocks[-1] if blocks else None, made[start : start + batch])
        known = {block.first: block for block in [*blocks, *grown]}
        blocks = [known[first] for first in sorted(known)]
    return head, blocks


def findings(head: Head, blocks: list[Block], balances: Balances, anchor: Anchor | None = None) -> list[Finding]:
    verifier = Verifier(anchor)
    for block in sorted(blocks, key=lambda block: block.first):
        verifier.block(block)
    return verifier.end(head, balances)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "BLOCK_SIZE", 3)


@given(entries())
def test_every_field_of_an_entry_survives_its_bytes(entry: Entry) -> None:
    assert entry_of(canonical(entry)) == entry


@given(LISTS, st.integers(1, 5), st.integers(1, 5))
def test_what_was_chained_is_sound_however_it_came_in_batches(made: list[Entry], one: int, other: int) -> None:
    head, blocks = chained(made, one)
    assert chained(made, other) == (head, blocks)
    assert [each.entry for block in blocks for each in numbered(block)] == made
    assert [each.number for block in blocks for each in numbered(block)] == list(range(1, len(made) + 1))
    assert findings(head, blocks, balances_after({}, made)) == []


def without(block: Block, at: int) -> Block:
    return replace(
        block,
        entries=block.entries[:at] + block.entries[at + 1 :],
        links=block.links[:at] + block.links[at + 1 :],
        ids=block.ids[:at] + block.ids[at + 1 :],
    )


def altered(block: Block, at: int) -> Block:
    body = block.entries[at].replace(b'"kind":"', b'"kind":"x', 1)
    return replace(block, entries=(*block.entries[:at], body, *block.entries[at + 1 :]))


def hash_altered(block: Block, at: int) -> Block:
    return replace(block, links=(*block.links[:at], bytes(32), *block.links[at + 1 :]))


def inserted(block: Block, at: int) -> Block:
    return replace(
        block,
        entries=(*block.entries[:at], block.entries[at], *block.entries[at:]),
        links=(*block.links[:at], block.links[at], *block.links[at:]),
        ids=(*block.ids[:at], block.ids[at], *block.ids[at:]),
    )


def reordered(block: Block, at: int) -> Block:
    def turned(some: tuple) -> tuple:
        moved = list(some)
        moved.insert(0, moved.pop())
        return tuple(moved)

    return replace(block, entries=turned(block.entries), links=turned(block.links), ids=turned(block.ids))


@given(LISTS, st.sampled_from([without, altered, hash_altered, inserted, reordered]), st.data())
def test_any_entry_that_is_altered_removed_inserted_or_moved_is_found(
    made: list[Entry], tamper: Callable[[Block, int], Block], data: st.DataObject
) -> None:
    """INVARIANT: nobody changes the past of the ledger unseen."""
    head, blocks = chained(made)
    which = data.draw(st.integers(0, len(blocks) - 1))
    at = data.draw(st.integers(0, len(blocks[which].entries) - 1))
    changed = tamper(blocks[which], at)
    found = findings(head, [*blocks[:which], changed, *blocks[which + 1 :]], balances_after({}, made))
    assert bool(found) == (changed != blocks[which])


@given(LISTS, st.data())
def test_a_block_that_is_gone_or_filed_elsewhere_is_found(made: list[Entry], data: st.DataObject) -> None:
    head, blocks = chained(made)
    which = data.draw(st.integers(0, len(blocks) - 1))
    block, rest = blocks[which], [*blocks[:which], *blocks[which + 1 :]]
    balances = balances_after({}, made)
    assert findings(head, rest, balances)
    assert findings(head, [*rest, replace(block, first=block.first + 100)], balances)
    assert findings(head, [*rest, replace(block, ids=("x",))], balances)
    assert findings(head, [*rest, replace(block, owners=())], balances)


@given(LISTS, st.data())
def test_an_end_that_was_cut_off_with_all_that_was_noted_of_it_does_not_match_an_anchor(
    made: list[Entry], data: st.DataObject
) -> None:
    """Who can write everything can write another ledger, but not one with a hash that somebody else has noted."""
    head, _ = chained(made)
    anchor = Anchor(head.count, head.link)
    shorter, blocks = chained(made[: data.draw(st.integers(0, len(made) - 1))])
    kept = [each.entry for block in blocks for each in numbered(block)]
    assert findings(shorter, blocks, balances_after({}, kept)) == []
    assert [each.fault for each in findings(shorter, blocks, balances_after({}, kept), anchor)] == [Fault.ANCHOR]


@given(LISTS)
def test_a_balance_or_a_turnover_that_does_not_follow_from_the_entries_is_found(made: list[Entry]) -> None:
    head, blocks = chained(made)
    balances = balances_after({}, made)
    key = next(iter(balances))
    found = findings(head, blocks, {**balances, key: balances[key] + 1})
    assert [each.fault for each in found] == [Fault.BALANCE]
    found = findings(replace(head, turnover={}), blocks, balances)
    assert [each.fault for each in found] == [Fault.HEAD]


@given(LISTS, st.integers(0, 11))
def test_one_altered_entry_is_one_finding_about_that_entry(made: list[Entry], at: int) -> None:
    at %= len(made)
    head, blocks = chained(made)
    changed = altered(blocks[at // 3], at % 3)
    (found,) = findings(head, [*blocks[: at // 3], changed, *blocks[at // 3 + 1 :]], balances_after({}, made))
    assert (found.fault, found.number) == (Fault.ALTERED, at + 1)


def test_an_unbalanced_entry_under_a_right_hash_is_found() -> None:
    body = b'{"id":"e","key":"","kind":"payout","payment":"","postings":[["a/fees","CAD",1]],"reference":"","time":0}'
    link = chain.link(chain.BEGINNING, 1, body, {"CAD": 1})
    block = Block(1, (body,), (link,), ("e",), ("a",), datetime(2027, 1, 1, tzinfo=UTC))
    found = findings(Head(1, link, {"CAD": 1}), [block], {("a/fees", "CAD"): 1})
    assert [each.fault for each in found] == [Fault.UNBALANCED]


def test_bytes_that_are_no_entry_are_found() -> None:
    head, _ = chained([])
    block = Block(1, (b"[]",), (bytes(32),), ("e",), (), datetime(2027, 1, 1, tzinfo=UTC))
    assert Fault.MALFORMED in {each.fault for each in findings(head, [block], {})}
