"""What brings each service to its crash points: small errands, run again and again while processes die under them."""

import asyncio
import base64
import secrets
from contextlib import suppress
from datetime import UTC, datetime

import httpx
from bought import Payers
from onsale import PASSWORD, Sale, World, open_sale

from domain_kit.backbone import OutboxEvent
from domain_kit.ids import new_id
from event_backbone import KafkaBroker
from event_backbone.broker import Outgoing
from event_backbone.records import encode_event
from local_stack.readiness import LOOPBACK
from usher.user.v1 import domain_events_pb2 as user_facts
from usher_cli.api import fresh_id
from usher_cli.event_import import import_events
from usher_cli.options import CommandFailure


class Errands:
    """One world with what the errands are about; each may be refused, but never by an error nobody expected."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.free, self.paid = open_sale(world, 100_000), open_sale(world, 100_000, euros=20)
        room = {"enabled": True, "admissionsPerMinute": 60_000}
        self.queued = open_sale(world, 1_000, bookingTerms={"waitingRoom": room})

    def somebody_registers(self) -> None:
        email = f"{secrets.token_hex(6)}@broken.example"
        body = {"email": email, "password": PASSWORD, "displayName": "Somebody"}
        self.world.act("/v1/users:register", **body)

    def an_event_is_drafted(self) -> None:
        start, end = "2031-05-14T19:00:00Z", "2031-05-14T22:00:00Z"
        common = {"title": "Draft", "timeZone": "UTC", "online": True, "startTime": start, "endTime": end}
        event = self.world.post("/v1/events", {"organizer": self.world.organizer, **common})["name"]
        self.world.post(f"/v1/{event}/capacityPools", {"displayName": "Hall", "capacity": 10})

    def events_are_imported(self) -> None:
        start, end = "2031-05-14T19:00:00Z", "2031-05-14T22:00:00Z"
        event = {"title": "Imported", "timeZone": "UTC", "online": True, "startTime": start, "endTime": end}
        world, lines = self.world, [{"event": event}] * 2
        with suppress(httpx.TransportError, CommandFailure):  # a stream that broke off
            last = import_events(world.api, world.organizer, world.owner_token, lines, publish=False, bar=None)
            assert not last.get("errors"), last

    def a_free_place_is_booked(self) -> None:
        self._confirmed(self.free, self.world.token(self.world.buyers[0]))

    def attendees_are_imported(self) -> None:
        rows = f"ticket_type,buyer\n{self.free.ticket_type},{self.world.buyers[0]}\n"
        content = base64.b64encode(rows.encode()).decode()
        body = {"content": content, "format": "ATTENDEE_FILE_FORMAT_CSV", "reason": "Guests.", "requestId": fresh_id()}
        path, token = f"/v1/{self.free.event}/attendees:import", self.world.owner_token
        with suppress(httpx.TransportError):  # a stream that broke off
            for answer in self.world.api.stream(path, body, token=token):
                assert not answer.get("problems"), answer

    def somebody_joins_the_waiting_room(self) -> None:
        token = self.world.token(f"users/{new_id()}")
        self.world.act(f"/v1/{self.queued.event}/waitingRoom:join", token)

    def a_place_is_held(self) -> None:
        self._held(self.free, self.world.token(self.world.buyers[0]))

    def a_booking_is_paid_and_cancelled(self) -> None:
        Payers(self.world, self.paid).one_pays(keeps=False)

    def a_booking_is_cancelled_before_it_is_paid(self) -> None:
        Payers(self.world, self.paid).one_goes_away()

    def somebody_books_before_anybody_heard_of_them(self) -> None:
        """A letter has to wait for its reader."""
        user = f"users/{new_id()}"
        self._confirmed(self.free, self.world.token(user))
        asyncio.run(self._tell_of(user))

    def somebody_sends_nonsense(self) -> None:
        asyncio.run(self._publish(Outgoing("usher.event.v1", b"nonsense", b"nonsense", ())))

    async def _tell_of(self, user: str) -> None:
        await asyncio.sleep(1)  # not at once: the letter is to be put aside first
        fact = user_facts.UserRegistered()
        fact.user.name, fact.user.email, fact.user.display_name = user, f"{user[6:]}@broken.example", "Late"
        payload, now = fact.SerializeToString(), datetime.now(UTC)
        kind = fact.DESCRIPTOR.full_name
        event = OutboxEvent(new_id(), kind, user, 1, now, payload, "", "", row="", index=0, trail="")
        await self._publish(encode_event(event, topic="usher.user.v1", source="//usher/user"))

    async def _publish(self, record: Outgoing) -> None:
        port = self.world.stack.state().ports["kafka"]
        async with KafkaBroker(f"{LOOPBACK}:{port}").writer() as writer:
            await writer.send([record])

    def _held(self, sale: Sale, token: str) -> str:
        line = {"ticketType": sale.ticket_type, "quantity": 1}
        name: str = self.world.post(f"/v1/{sale.event}/bookings", {"lines": [line]}, token)["name"]
        return name

    def _confirmed(self, sale: Sale, token: str) -> None:
        self.world.act(f"/v1/{self._held(sale, token)}:confirm", token)
