"""Send what waits."""

import asyncio
import logging
from collections.abc import Callable
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
TOGETHER = 16  # letters on their way or sent and not noted yet: what is written about them shares transactions
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

    told: how many were found waiting, and for how long the oldest has been.
    """
    waiting = await notifications.waiting(min(AT_ONCE + len(patience.due), MOST_LOOKED_AT))
    told(len(waiting), clock() - waiting[0].create_time if waiting else timedelta())
    due = [each for each in waiting if patience.due.get(each.name, clock()) <= clock()]
    together, lines = asyncio.Semaphore(TOGETHER), asyncio.Semaphore(LINES)

    async def deliver(letter: Notification) -> bool:
        async with together:
            return await _deliver(notifications, post, lines, patience, letter, clock)

    results = await asyncio.gather(*(deliver(each) for each in due[:AT_ONCE]), return_exceptions=True)
    for result in results:  # only now: no letter is cut off because another could not be settled
        if isinstance(result, BaseException):
            raise result
    return sum(result is True for result in results)


async def _deliver(
    notifications: Notifications,
    post: Post,
    lines: asyncio.Semaphore,
    patience: Patience,
    letter: Notification,
    clock: Callable[[], datetime],
) -> bool:
    try:
        async with lines:
            await post.send(letter)
    except PermanentFailure as failure:
        return await _settle(notifications, letter, patience, str(failure), clock)
    except Exception as trouble:  # a letter nobody can write or send holds up no other
        if not isinstance(trouble, Refusal):
            logging.getLogger(__name__).exception("letter not sent", extra={"notification": letter.name})
        if clock() - letter.create_time > GIVE_UP_AFTER:
            reason = trouble.reason if isinstance(trouble, Refusal) else "INTERNAL"
            return await _settle(notifications, letter, patience, reason, clock)
        patience.failed(letter.name, clock())
        return False
    return await _settle(notifications, letter, patience, "", clock)


async def _settle(
    notifications: Notifications,
    letter: Notification,
    patience: Patience,
    failure: str,
    clock: Callable[[], datetime],
) -> bool:
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
    return True
