"""Lists of whom to admit are made, changed and removed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from booking_service.domain import domain_events as facts
from booking_service.domain.check_in_list import CheckInList, ListRules, check_rules
from booking_service.domain.commands.command import Found
from booking_service.domain.list_tally import new_tally, tally_key
from booking_service.domain.outcome import Outcome, Step, changed, unchanged
from booking_service.domain.records import Key, View
from booking_service.domain.stock import Stock
from domain_kit.refusals import NotFound


@dataclass(frozen=True, slots=True)
class CreateCheckInList:
    """Make a list. name: the one it shall have."""

    event: str
    name: str
    rules: ListRules
    etag: str = ""
    subject: Key | None = None
    recorded: ClassVar[bool] = True

    def needs(self, stock: Stock, found: Found) -> Sequence[Key]:  # noqa: ARG002
        """The stock is enough."""
        return ()

    def decide(self, view: View, now: datetime) -> Outcome:
        """NotFound for an unknown event; InvalidArgument as `check_rules`."""
        check_rules(self.rules, view.stock.known_offer())
        made = CheckInList(self.name, self.rules, now, now)
        step = Step(facts.CheckInListCreated(), made)
        return changed(view.stock, step, tallies=[new_tally(self.event, self.name)])


class _OnList:
    """A command about a list that exists already."""

    __slots__ = ()
    event: str
    name: str

    @property
    def subject(self) -> Key:
        """The list."""
        return CheckInList, self.name

    def needs(self, stock: Stock, found: Found) -> Sequence[Key]:  # noqa: ARG002
        """The list and its counts."""
        return [(CheckInList, self.name), tally_key(self.event, self.name)]


@dataclass(frozen=True, slots=True)
class ChangeCheckInList(_OnList):
    """Give a list other rules. revise: the present ones → the new ones; pure."""

    event: str
    name: str
    revise: Callable[[CheckInList], ListRules]
    etag: str = ""
    recorded: ClassVar[bool] = True

    def decide(self, view: View, now: datetime) -> Outcome:
        """NotFound; InvalidArgument as `check_rules` and whatever `revise` raises."""
        before = _present(view, self.name)
        rules = self.revise(before)
        if rules == before.rules:
            return unchanged(view.stock, before)
        check_rules(rules, view.stock.known_offer())
        return changed(view.stock, Step(facts.CheckInListChanged(), replace(before, rules=rules, update_time=now)))


@dataclass(frozen=True, slots=True)
class DeleteCheckInList(_OnList):
    """Remove a list; what was scanned stays."""

    event: str
    name: str
    etag: str = ""
    recorded: ClassVar[bool] = True

    def decide(self, view: View, now: datetime) -> Outcome:
        """NotFound."""
        gone = replace(_present(view, self.name), removed=True, update_time=now)
        tally = view.find(*tally_key(self.event, self.name))
        tallies = [] if tally is None else [replace(tally, removed=True)]
        return changed(view.stock, Step(facts.CheckInListDeleted(), gone), tallies=tallies)


@dataclass(frozen=True, slots=True)
class BeginUpload(_OnList):
    """Remember the request that brings a scan log, which has one command a booking: its id is for no other log."""

    event: str
    name: str
    etag: str = ""
    recorded: ClassVar[bool] = True

    def decide(self, view: View, now: datetime) -> Outcome:  # noqa: ARG002
        """NotFound."""
        return unchanged(view.stock, _present(view, self.name))


def _present(view: View, name: str) -> CheckInList:
    found = view.get(CheckInList, name)
    if found.removed:
        raise NotFound.named(name)
    return found
