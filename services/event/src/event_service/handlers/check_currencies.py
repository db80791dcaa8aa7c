"""No event is on sale in a currency that its organizer cannot be paid in."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from typing import Protocol

from domain_kit.refusals import FailedPrecondition
from domain_kit.repository import DomainEvent
from event_service.domain.event import Event, Outcome, State

Decide = Callable[[Event], Outcome]
Change = Callable[[Decide], Awaitable[Event]]


class Takings(Protocol):
    """What organizers can be paid in."""

    async def currencies(self, organizer: str) -> Collection[str] | None:
        """ISO 4217 codes; None where that cannot be said now."""


class _Unasked(Exception):
    """A change needs to know what the organizer can be paid in."""

    def __init__(self, organizer: str) -> None:
        super().__init__(organizer)
        self.organizer = organizer


async def changed(takings: Takings, change: Change, decide: Decide) -> Event:
    """The event after a change; FailedPrecondition CURRENCY_NOT_TAKEN. Nobody is asked about what is not new, and what
    cannot be asked is left `unchecked` until the next change.

    change: commits what a decision says.
    """
    try:
        return await change(lambda event: _checked(event, *decide(event), None))
    except _Unasked as unasked:
        answer = _Answer(await takings.currencies(unasked.organizer))
    return await change(lambda event: _checked(event, *decide(event), answer))


async def new_ones(
    takings: Takings, events: Sequence[tuple[Event, Sequence[DomainEvent]]]
) -> list[tuple[Event, Sequence[DomainEvent]]]:
    """The same, of events of one organizer that are new; each organizer is asked about once."""
    known: dict[str, _Answer] = {}
    checked = []
    for event, made in events:
        draft = replace(event, state=State.DRAFT)
        if event.state is State.PUBLISHED and event.charged and event.organizer not in known:
            known[event.organizer] = _Answer(await takings.currencies(event.organizer))
        checked.append(_checked(draft, event, made, known.get(event.organizer)))
    return checked


class _Answer:
    def __init__(self, codes: Collection[str] | None) -> None:
        self.codes = codes


def _checked(
    before: Event, after: Event, made: Sequence[DomainEvent], answer: _Answer | None
) -> tuple[Event, Sequence[DomainEvent]]:
    if not made or after.state is not State.PUBLISHED:
        return after, made
    known = before.state is State.PUBLISHED and not before.unchecked
    wanted = sorted(after.charged - before.charged if known else after.charged)
    if not wanted:
        return replace(after, unchecked=()), made
    if answer is None:
        raise _Unasked(after.organizer)
    if answer.codes is None:
        return replace(after, unchecked=tuple(wanted)), made
    if missing := [each for each in wanted if each not in answer.codes]:
        taken = ", ".join(sorted(answer.codes)) or "none"
        raise FailedPrecondition(
            "CURRENCY_NOT_TAKEN",
            f"No way to pay takes {', '.join(missing)}; the organizer can be paid in: {taken}.",
            metadata={"currency_codes": ",".join(missing), "taken": ",".join(sorted(answer.codes))},
        )
    return replace(after, unchecked=()), made
