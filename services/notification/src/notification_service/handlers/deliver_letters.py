"""Send what waits."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain_kit.refusals import Refusal
from domain_kit.repository import Cause
from notification_service.domain.notification import Notification, Outcome
from notification_service.domain.ports import Notifications, PermanentFailure, Post

GIVE_UP_AFTER = timedelta(hours=24)
FIRST_PAUSE = timedelta(seconds=1)
LONGEST_PAUSE = timedelta(minutes=10)
AT_ONCE = 100
TOGETHER = 16  # letters on their way or sent and not noted yet: what is written about them shares a transaction
ENOUGH = 8  # that were sent are noted without waiting for more
NOTED_WITHIN = 1.0  # seconds that fewer wait for those still on their way
LINES = 4  # letters handed to the server at a time
MOST_LOOKED_AT = 1_000


@dataclass(slots=True)
class Patience:
    """Failed attempts of this process: how many, and when each message is due again."""

    attempts: dict[str, int] = field(default_factory=dict)
    due: dict[str, datetime] = field(default_factory=dict)

    def failed(self, name: str, now: datetime) -> None:
        """One more attempt failed: wait twice as long."""
        self.attempts[name] = self.attempts.get(name, 0) + 1
        pause: timedelta = min(FIRST_PAUSE * 2 ** min(self.attempts[name] - 1, 20), LONGEST_PAUSE)
        self.due[name] = now + pause

    def over(self, name: str) -> int:
        """Forget it; how many attempts it took, this one included."""
        self.due.pop(name, None)
        return self.attempts.pop(name, 0) + 1


async def deliver_letters(
    notifications: Notifications,
    post: Post,
    patience: Patience,
    clock: Callable[[], datetime],
    told: Callable[[int, timedelta], None] = lambda *_: None,
) -> int:
    """Send those that are due, the longest waiting first, some together; how many left the queue.

    What becomes of some is noted in one go; those still on their way a second later hold up no other.

    told: how many were found waiting, and for how long the oldest has been.
    """
    waiting = await notifications.waiting(min(AT_ONCE + len(patience.due), MOST_LOOKED_AT))
    told(len(waiting), clock() - waiting[0].create_time if waiting else timedelta())
    due = deque([each for each in waiting if patience.due.get(each.name, clock()) <= clock()][:AT_ONCE])
    lines, settled, troubles = asyncio.Semaphore(LINES), 0, list[BaseException]()
    under_way: dict[asyncio.Task[str | None], Notification] = {}
    try:
        while due or under_way:
            while due and len(under_way) < TOGETHER:
                letter = due.popleft()
                under_way[asyncio.create_task(_send(post, lines, patience, letter, clock))] = letter
            done = await _enough(under_way)
            verdicts = [(under_way.pop(task), task.result()) for task in done]
            results = await asyncio.gather(
                *(
                    _settle(notifications, letter, patience, failure, clock)
                    for letter, failure in verdicts
                    if failure is not None
                ),
                return_exceptions=True,
            )
            settled += results.count(None)
            troubles += [each for each in results if each is not None]
            if troubles:  # what was sent could not be noted, so nothing else is sent; what is under way is not cut off
                due.clear()
    finally:
        for task in under_way:
            task.cancel()
    if troubles:
        raise troubles[0]
    return settled


async def _enough(under_way: Collection[asyncio.Task[str | None]]) -> set[asyncio.Task[str | None]]:
    """Those that are done as soon as they are enough, or all, or have waited long enough."""
    end, left = time.monotonic() + NOTED_WITHIN, set(under_way)
    done = set[asyncio.Task[str | None]]()
    while left and len(done) < ENOUGH and (seconds := end - time.monotonic()) > 0:
        more, left = await asyncio.wait(left, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        done |= more
    return done


async def _send(
    post: Post, lines: asyncio.Semaphore, patience: Patience, letter: Notification, clock: Callable[[], datetime]
) -> str | None:
    """Why it is given up, empty when it was sent; None where it is to be tried again later."""
    try:
        async with lines:
            await post.send(letter)
    except PermanentFailure as failure:
        return str(failure)
    except Exception as trouble:  # a letter nobody can write or send holds up no other
        if not isinstance(trouble, Refusal):
            logging.getLogger(__name__).exception("letter not sent", extra={"notification": letter.name})
        if clock() - letter.create_time > GIVE_UP_AFTER:
            return trouble.reason if isinstance(trouble, Refusal) else "INTERNAL"
        patience.failed(letter.name, clock())
        return None
    return ""


async def _settle(
    notifications: Notifications,
    letter: Notification,
    patience: Patience,
    failure: str,
    clock: Callable[[], datetime],
) -> None:
    attempts = patience.over(letter.name)

    def decide(current: Notification) -> Outcome:
        return current.given_up(attempts, failure) if failure else current.delivered(attempts, clock())

    cause = Cause(
        f"postman|{letter.name}",
        actor="services/notification",
        correlation_id=letter.correlation_id,
        traceparent=letter.traceparent,
    )
    await notifications.update(letter.name, decide, cause=cause)
