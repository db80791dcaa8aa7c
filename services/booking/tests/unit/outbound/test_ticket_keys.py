import asyncio
import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from booking_service.domain.ticket_codes import TicketCode, unpack
from booking_service.outbound.ticket_keys import TicketKeys
from domain_kit.ids import new_id
from domain_kit.refusals import InvalidArgument

ALLOWED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def new_booking():
    return f"events/{new_id()}/bookings/{new_id()}"


async def refused(keys, code):
    with pytest.raises(InvalidArgument) as refusal:
        await keys.verify(code)
    return refusal.value.reason == "TICKET_CODE_INVALID"


async def test_a_code_says_which_ticket_it_is(keys):
    booking = new_booking()
    name, code = keys.issue(booking)
    said = await keys.verify(code)
    assert (said.booking_name, said.ticket_name) == (booking, name)
    assert booking.startswith(said.event_name)
    assert len(code) == 156


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(place=st.integers(0, 155), bit=st.integers(0, 6))
def test_a_code_with_one_bit_changed_is_refused(keys, place, bit):
    """INVARIANT: no code but those we made admits anybody."""
    _, code = keys.issue(new_booking())
    changed = chr(ord(code[place]) ^ 1 << bit)
    assert asyncio.run(refused(keys, code[:place] + changed + code[place + 1 :]))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(code=st.one_of(st.text(max_size=200), st.text(ALLOWED, min_size=156, max_size=156)))
def test_any_other_text_is_refused(keys, code):
    assert asyncio.run(refused(keys, code))


async def test_a_code_signed_by_somebody_else_is_refused(keys, make, clock):
    stranger = TicketKeys(type(keys._journal)(clock))
    await stranger.open()
    _, code = stranger.issue(new_booking())
    assert await refused(keys, code)


async def test_replicas_that_start_at_once_share_one_key(journal):
    replicas = [TicketKeys(journal) for _ in range(5)]
    await asyncio.gather(*(replica.open() for replica in replicas))
    _, code = replicas[0].issue(new_booking())
    for replica in replicas:
        assert await replica.verify(code)


async def test_codes_of_an_older_key_stay_good_and_a_new_key_is_found(memory):
    old, other = TicketKeys(memory), TicketKeys(memory)
    await old.open()
    await other.open()
    _, first = old.issue(new_booking())
    await old.add(2)
    _, second = old.issue(new_booking())
    assert (unpack(first)[0].key, unpack(second)[0].key) == (1, 2)
    assert await old.verify(first)
    other._looked = float("-inf")
    assert await other.verify(second)


@given(*[st.integers(0, 2**128 - 1)] * 3, st.integers(0, 2**32 - 1))
def test_a_body_is_read_as_it_was_written(event, booking, ticket, key):
    from booking_service.domain.ticket_codes import _unpack_id, pack

    ids = [_unpack_id(number.to_bytes(16, "big")) for number in (event, booking, ticket)]
    code = TicketCode(key, *ids)
    assert unpack(pack(code.body(), bytes(64)))[0] == code


@pytest.mark.parametrize("id", ["", "short", "z" * 26, "i" * 26])
def test_only_ulids_are_packed(id):
    with pytest.raises(ValueError, match="ULID"):
        TicketCode(1, id, new_id(), new_id()).body()


async def test_a_scanner_verifies_a_code_offline_by_the_documented_layout(keys):
    """INVARIANT: the layout that ticket_service.proto tells scanners is the one that is issued."""
    await keys.add(2)
    booking = new_booking()
    name, code = keys.issue(booking)
    published = await keys.public_keys()
    assert list(published) == [1, 2]
    raw = base64.urlsafe_b64decode(code)
    version, number = raw[0], int.from_bytes(raw[1:5], "big")
    ids = [_ulid(raw[start : start + 16]) for start in (5, 21, 37)]
    Ed25519PublicKey.from_public_bytes(published[number]).verify(raw[53:], raw[:53])
    assert (len(raw), version, number) == (117, 1, 2)
    assert "events/{}/bookings/{}/tickets/{}".format(*ids) == name


def _ulid(packed):
    number = int.from_bytes(packed, "big")
    return "".join("0123456789abcdefghjkmnpqrstvwxyz"[number >> 5 * place & 31] for place in range(25, -1, -1))
