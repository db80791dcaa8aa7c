"""Documents are made beside the event loop, from booking's own copy of the event."""

import asyncio
import io
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import timedelta

import pypdf
import pytest
from PIL import Image

from booking_service.domain.booking import Ticket
from booking_service.domain.offer import EventDate, Place
from booking_service.domain.questions import Attendee
from booking_service.domain.seating import Section
from booking_service.domain.terms import PLAIN_TERMS
from booking_service.outbound import paperwork
from booking_service.outbound.paperwork import Paperwork

PLAIN = Ticket("events/e/bookings/b/tickets/t", "events/e/ticketTypes/k", "Standard", "code")


@pytest.fixture
def papers():
    made = Paperwork(platform_uri="https://usher.example/")
    yield made
    made.close()


async def test_the_loop_goes_on_while_a_document_is_made_and_the_next_one_waits(make, papers, monkeypatch):
    """INVARIANT: printing never stands in the way of booking."""
    begun, go_on, seen = asyncio.Event(), threading.Event(), []
    loop = asyncio.get_running_loop()

    def slowly(tickets, *_rest):
        seen.append(tickets[0][1].code)
        loop.call_soon_threadsafe(begun.set)
        return b"made" if go_on.wait(10) else b"the loop stood still"

    monkeypatch.setattr(paperwork, "_printed", slowly)
    first, second = (
        asyncio.create_task(
            papers.printed(make.offer(), [Ticket("t", "k", "Standard", code)], languages=["en"], per_page=1)
        )
        for code in ("first", "second")
    )
    await asyncio.wait_for(begun.wait(), 5)
    assert seen == ["first"]
    go_on.set()
    assert [await first, await second] == [b"made", b"made"]
    assert seen == ["first", "second"]


async def told(papers, monkeypatch, offer, ticket=PLAIN):
    monkeypatch.setattr(paperwork, "_printed", lambda tickets, *_: tickets[0])
    return await papers.printed(offer, [ticket], languages=[], per_page=1)


async def test_a_document_says_where_booking_was_told_the_event_is(make, papers, monkeypatch):
    offer = make.offer(place=Place("Hall", "1 Main St, Paris, FR", "FR", latitude=1.0, longitude=2.0))
    occasion, _ = await told(papers, monkeypatch, offer)
    assert (occasion.event, occasion.title, occasion.time_zone) == (offer.event, "Concert", "Europe/Berlin")
    assert (occasion.start_time, occasion.end_time) == (offer.start_time, offer.end_time)
    assert (occasion.place, occasion.location) == ("Hall, 1 Main St, Paris, FR", (1.0, 2.0))
    nowhere, _ = await told(papers, monkeypatch, make.offer())
    assert (nowhere.place, nowhere.location) == ("", None)


async def test_a_ticket_says_its_own_date_seat_and_attendee(make, papers, monkeypatch):
    date = EventDate(f"{make.EVENT}/dates/d", "Matinée", make.NOW, make.NOW + timedelta(hours=1))
    offer = make.offer(dates=(date,), sections=(Section("stalls", "Stalls left", ()),))
    ticket = replace(PLAIN, date=date.name, seat="stalls/C/7", attendee=Attendee("Ada"))
    occasion, admission = await told(papers, monkeypatch, offer, ticket)
    assert (occasion.title, occasion.start_time) == ("Concert – Matinée", make.NOW)
    assert (admission.seat, admission.attendee) == ("Stalls left · C · 7", "Ada")
    _, plain = await told(papers, monkeypatch, offer)
    assert (plain.seat, plain.attendee) == ("", "")


@pytest.mark.parametrize(("logo", "pictures"), [(b"", 0), (b"\x89PNG\r\n\x1a\nbroken", 0), (None, 1)])
async def test_the_organizers_logo_is_printed_and_a_broken_one_left_out(make, papers, logo, pictures):
    if logo is None:
        whole = io.BytesIO()
        Image.new("RGB", (8, 8), "red").save(whole, "PNG")
        logo = whole.getvalue()
    offer = make.offer(terms=replace(PLAIN_TERMS, ticket_logo=logo))
    document = await papers.printed(offer, [PLAIN], languages=["en"], per_page=1)
    assert len(pypdf.PdfReader(io.BytesIO(document)).pages[0].images) == pictures


def test_a_process_that_makes_no_documents_does_not_load_what_draws_them():
    """INVARIANT: the booking process stays small."""
    code = (
        "import sys, booking_service.composition\n"
        "print(sorted({'reportlab', 'icalendar', 'PIL', 'fontpkg_noto_sans'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
