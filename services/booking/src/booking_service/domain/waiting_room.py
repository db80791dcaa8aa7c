"""The waiting room of an event: whose turn comes when, worked out from the clock alone, so that all replicas agree.

Places are numbers from 1. A pace turns time into the highest number admitted, so nothing is written when somebody is
admitted. It is a token bucket: admissions nobody uses pile up to `burst_of` the rate and no further.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from booking_service.domain.offer import Offer, OfferState
from booking_service.domain.terms import WaitingRoomTerms
from domain_kit.refusals import Aborted, FailedPrecondition, NotFound

# Seconds of admissions that pile up while nobody comes.
BURST_SECONDS = 5
# Changes of pace that are remembered; a place from before the oldest is taken to have had its turn as it was told.
KEPT_CHANGES = 50
_MILLISECOND = timedelta(milliseconds=1)
_MINUTE = 60_000


def burst_of(per_minute: int) -> int:
    """How many may be admitted at once after a quiet time, at least 1."""
    return max(1, per_minute * BURST_SECONDS // 60)


@dataclass(frozen=True, slots=True)
class Pace:
    """Who is admitted: up to `before` earlier than `since`, up to `passed` at `since`, then one by one at the rate."""

    since: datetime
    before: int
    passed: int
    per_minute: int

    def reached(self, now: datetime) -> int:
        """The highest number admitted."""
        if now < self.since:
            return self.before
        return self.passed + (now - self.since) // _MILLISECOND * self.per_minute // _MINUTE

    def turn_of(self, number: int) -> datetime:
        """The first millisecond at which a number above `before` is admitted."""
        waits = max(0, number - self.passed) * _MINUTE
        return self.since + timedelta(milliseconds=-(-waits // self.per_minute))


@dataclass(frozen=True, slots=True)
class Room:
    """What all replicas share. issued: the last number given.

    changes: the paces that began because the rate or the opening changed, oldest first; tuned: how many ever did.
    terms_version: of the offer that set the pace. version: the store's guard.
    """

    event: str
    pace: Pace
    terms_version: int
    issued: int = 0
    changes: tuple[Pace, ...] = ()
    tuned: int = 0
    version: int = 0

    def admitted(self, now: datetime) -> int:
        """Places whose turn has come."""
        return min(self.issued, self.pace.reached(now))

    def waiting(self, now: datetime) -> int:
        """Places whose turn has not come."""
        return self.issued - self.admitted(now)


@dataclass(frozen=True, slots=True)
class Place:
    """A user's place, with the pace it was given under and how many changes the room had seen by then."""

    event: str
    user: str
    number: int
    joined: datetime
    pace: Pace
    tuned: int


@dataclass(frozen=True, slots=True)
class Turn:
    """Lets a user book for an event until it expires."""

    event: str
    user: str
    number: int
    expires: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """How somebody stands. No place: no waiting room. ahead: lower numbers that wait. turn: once it has come.

    begins: when it comes or came; it stays the same while the rate and the opening do.
    """

    event: str
    place: Place | None = None
    ahead: int = 0
    wait: timedelta = timedelta()
    begins: datetime | None = None
    turn: Turn | None = None

    @property
    def admitted(self) -> bool:
        """May book now."""
        return self.place is None or self.turn is not None


def opening_of(offer: Offer) -> datetime | None:
    """When the first of its ticket types goes on sale: nobody's turn comes earlier. None: has been on sale for ever."""
    starts = [each.sale_start for each in offer.ticket_types]
    return min((start for start in starts if start is not None), default=None) if None not in starts else None


def open_room(offer: Offer, now: datetime) -> Room:
    """The room before anybody came."""
    rate = offer.terms.waiting_room.admissions_per_minute
    return Room(offer.event, Pace(_begin(offer, now), 0, burst_of(rate), rate), offer.version)


def tune(room: Room, offer: Offer, now: datetime) -> Room:
    """At the rate and opening of a newer offer, going on from who has been admitted; older offers change nothing."""
    if offer.version <= room.terms_version:
        return room
    room, old = replace(room, terms_version=offer.version), room.pace
    rate, since = offer.terms.waiting_room.admissions_per_minute, _begin(offer, now)
    if rate == old.per_minute and (since == old.since or max(since, old.since) <= now):
        return room
    reached = old.passed if now < old.since else old.reached(now)
    before = min(room.issued, old.reached(now))
    unused = before if now < old.since else room.issued
    pace = Pace(since, before, max(before, min(reached, unused + burst_of(rate))), rate)
    return replace(room, pace=pace, changes=(*room.changes, pace)[-KEPT_CHANGES:], tuned=room.tuned + 1)


def issue(room: Room, count: int, now: datetime) -> tuple[Room, int]:
    """With so many more numbers given, and the first of them. What nobody used beyond the burst is gone by then."""
    pace, most = room.pace, room.issued + burst_of(room.pace.per_minute)
    if now >= pace.since and pace.reached(now) >= most:
        pace = Pace(now, room.issued, most, pace.per_minute)
    return replace(room, pace=pace, issued=room.issued + count), room.issued + 1


def pace_for(place: Place, room: Room) -> Pace:
    """The pace that decides when a place has its turn: the last one that began before that."""
    pace, newer = place.pace, max(0, room.tuned - place.tuned)
    for change in room.changes[max(0, len(room.changes) - newer) :] if newer else ():
        if place.number <= change.before:
            break
        pace = change
    return pace


def turn_time(place: Place, room: Room) -> datetime:
    """When its turn begins; never before it was taken."""
    return max(place.joined, pace_for(place, room).turn_of(place.number))


def standing_of(place: Place, room: Room, terms: WaitingRoomTerms, now: datetime) -> Standing:
    """How a place stands. FailedPrecondition TURN_EXPIRED once its turn is over."""
    begins = turn_time(place, room)
    if now < begins:
        ahead = max(0, place.number - 1 - pace_for(place, room).reached(now))
        return Standing(place.event, place, ahead, begins - now, begins)
    turn = Turn(place.event, place.user, place.number, begins + terms.turn_for)
    check_turn_time(turn, now)
    return Standing(place.event, place, begins=begins, turn=turn)


def is_over(place: Place, room: Room, terms: WaitingRoomTerms, now: datetime) -> bool:
    """Its turn has come and gone: whoever joins again gets a new place."""
    return now >= turn_time(place, room) + terms.turn_for


def check_turn_time(turn: Turn, now: datetime) -> None:
    """FailedPrecondition TURN_EXPIRED; metadata tell when (RFC 3339)."""
    if now >= turn.expires:
        when = turn.expires.isoformat().replace("+00:00", "Z")
        raise FailedPrecondition(
            "TURN_EXPIRED", "Your turn is over; join the waiting room again.", metadata={"turn_expire_time": when}
        )


class RoomOpened(Aborted):
    """Somebody was let through on an offer without a waiting room, and by now there is one. offer: the newer."""

    def __init__(self, offer: Offer) -> None:
        super().__init__(
            "WAITING_ROOM_OPENED", "A waiting room has just been opened for this event; try again.",
            retry_after=timedelta(0),
        )  # fmt: skip
        self.offer = offer


def needs_turn(offer: Offer) -> bool:
    """Whether who wants to book must have their turn."""
    return offer.terms.waiting_room.enabled and offer.state is OfferState.PUBLISHED


def check_unasked(offer: Offer, *, unasked: bool) -> None:
    """RoomOpened for who was let through without being asked for a turn, which this offer wants."""
    if unasked and needs_turn(offer):
        raise RoomOpened(offer)


def turn_required(standing: Standing) -> FailedPrecondition:
    """The refusal for somebody whose turn has not come; metadata tell the place."""
    number = 0 if standing.place is None else standing.place.number
    return FailedPrecondition(
        "TURN_REQUIRED",
        "More people want to book than may at once; join the waiting room and book when your turn has come.",
        metadata={"event": standing.event, "number": str(number), "ahead": str(standing.ahead)},
        retry_after=standing.wait,
    )


def enterable(offer: Offer | None, event: str) -> Offer:
    """The offer of an event that can be queued for. NotFound; FailedPrecondition EVENT_NOT_ON_SALE."""
    if offer is None or not offer.published:
        raise NotFound.named(f"{event}/waitingRoom")
    if offer.state is not OfferState.PUBLISHED:
        raise FailedPrecondition(
            "EVENT_NOT_ON_SALE", "The event is not on sale.", metadata={"event": event, "state": offer.state.name}
        )
    return offer


def _begin(offer: Offer, now: datetime) -> datetime:
    return max(now, opening_of(offer) or now)
