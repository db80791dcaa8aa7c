"""Whose a booking is: read once, or not at all where this process made it."""

from dataclasses import replace

import pytest

from booking_service.handlers.read_bookings import Owners
from booking_service.outbound import known_owners
from booking_service.outbound.known_owners import KnownOwners


@pytest.fixture
def asked():
    return []


@pytest.fixture
def owners(asked):
    async def read(name):
        asked.append(name)
        return None if name.endswith("/nobody") else Owners("users/read", "organizers/o")

    return KnownOwners(read)


async def test_who_made_a_booking_here_is_known_without_a_look(owners, asked, make):
    booking = make.held()[1]
    owners.committed([booking])
    expected = Owners(booking.buyer, booking.organizer)
    assert await owners.owners(booking.name) == expected
    assert await owners.owners(f"{booking.name}/tickets/t") == expected
    assert asked == []


async def test_others_are_looked_up_once_and_what_is_no_booking_each_time(owners, asked):
    for _ in range(2):
        assert await owners.owners("events/e/bookings/b") == Owners("users/read", "organizers/o")
        assert await owners.owners("events/e/bookings/nobody") is None
        assert await owners.owners("events/e/bookings/b/other/x") is not None
    assert asked.count("events/e/bookings/b") == 1
    assert asked.count("events/e/bookings/nobody") == 2
    assert asked.count("events/e/bookings/b/other/x") == 2


async def test_the_longest_unused_are_forgotten(owners, asked, make, monkeypatch):
    monkeypatch.setattr(known_owners, "REMEMBERED", 2)
    booking = make.held()[1]
    names = [f"{booking.event}/bookings/{number}" for number in range(3)]
    owners.committed([replace(booking, name=name) for name in names])
    await owners.owners(names[1])
    await owners.owners(names[0])
    assert asked == [names[0]]
