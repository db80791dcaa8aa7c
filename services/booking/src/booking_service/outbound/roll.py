"""Who has which place in one waiting room, as far as this process has read or written it."""

from collections import deque
from collections.abc import Iterable, Sequence
from datetime import datetime

from booking_service.domain.offer import Offer
from booking_service.domain.waiting_room import Place, Room, is_over
from booking_service.outbound.room_documents import Block

# Blocks that one commit deletes at most, so that tidying up never makes it slow.
_DELETED_AT_ONCE = 16


class Roll:
    """The places of an event by user. It grows by whole blocks in the order of their numbers, without a gap."""

    def __init__(self) -> None:
        self.seen = 0
        self._blocks: deque[Block] = deque()
        self._places: dict[str, tuple[int, Block]] = {}

    def add(self, blocks: Iterable[Block]) -> None:
        """Those after the last."""
        for block in blocks:
            self._blocks.append(block)
            for number, user in enumerate(block.users, block.first):
                self._places[user] = (number, block)
            self.seen = max(self.seen, block.first + len(block.users) - 1)

    def place_of(self, user: str, room: Room, offer: Offer, now: datetime) -> Place | None:
        """The user's place, None when there is none or its turn is over."""
        number, block = self._places.get(user, (0, None))
        if block is None or is_over(place := block.place(number), room, offer.terms.waiting_room, now):
            return None
        return place

    def over(self, room: Room, offer: Offer, now: datetime) -> Sequence[Block]:
        """The oldest blocks, none of whose places is of use any more; some at a time."""
        found: list[Block] = []
        for block in self._blocks:
            if len(found) == _DELETED_AT_ONCE or not is_over(block.last(), room, offer.terms.waiting_room, now):
                break
            found.append(block)
        return found

    def drop(self, blocks: Sequence[Block]) -> None:
        """Forget what `over` said."""
        for block in blocks:
            if self._blocks and self._blocks[0] is block:
                self._blocks.popleft()
            for user in block.users:
                if self._places.get(user, (0, None))[1] is block:
                    del self._places[user]
