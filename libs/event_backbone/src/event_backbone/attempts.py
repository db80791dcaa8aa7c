"""One domain event meets its handler: decode, call with a time limit, repeat shortly, and say how it ended."""

import asyncio
import logging
import time
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from enum import Enum

from google.protobuf.message import DecodeError

from domain_kit.backbone import InboxEvent
from domain_kit.crash_points import crash_point
from domain_kit.refusals import Aborted, DeadlineExceeded, Refusal, ResourceExhausted, Unavailable
from event_backbone.metrics import ConsumerMetrics
from event_backbone.subscription import Received, Subscription
from event_backbone.worker import Pauses

log = logging.getLogger(__name__)

# What a handler runs in, such as a trace span and the bound correlation id. Gives what the handler is to see as
# received, so that what it writes continues the span.
Around = Callable[[Received], AbstractContextManager[Received]]

REASON_LENGTH = 500


def alone(received: Received) -> AbstractContextManager[Received]:
    """Runs a handler in nothing."""
    return nullcontext(received)


class Outcome(Enum):
    """How it ended."""

    APPLIED = "applied"
    WAITING = "parked"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason` says what went wrong; empty when nothing did."""

    outcome: Outcome
    reason: str = ""


APPLIED = Verdict(Outcome.APPLIED)


class Attempts:
    """`tries` in a row with short pauses; `handler_seconds` bounds each."""

    def __init__(
        self,
        subscription: Subscription,
        metrics: ConsumerMetrics,
        *,
        around: Around = alone,
        tries: int = 3,
        handler_seconds: float = 15.0,
    ) -> None:
        self._consumer, self._by_type = subscription.consumer, subscription.by_type()
        self._metrics, self._around = metrics, around
        self._tries, self._handler_seconds = tries, handler_seconds

    @property
    def handled(self) -> Collection[str]:
        """The types that have a handler."""
        return self._by_type.keys()

    async def attempt(self, event: InboxEvent, tries: int | None = None) -> Verdict:
        """Never raises but for cancellation. A type nobody asked for counts as applied."""
        if event.type not in self._by_type:
            return APPLIED
        pauses, left, began = Pauses(first=0.04, ceiling=0.4), tries or self._tries, time.perf_counter()
        while (verdict := await self._once(event)).outcome is not Outcome.APPLIED:
            left -= 1
            if left <= 0 or verdict.reason.startswith("UNDECODABLE"):
                break
            await asyncio.sleep(pauses.following())
        self._metrics.handled(self._consumer, event.type, verdict.outcome.value, time.perf_counter() - began)
        return verdict

    async def _once(self, event: InboxEvent) -> Verdict:
        kind, handler = self._by_type[event.type]
        received = Received.of(event)
        try:
            with self._around(received) as received:
                async with asyncio.timeout(self._handler_seconds):
                    crash_point("consumer.before_handler")
                    await handler(kind.FromString(event.payload), received)
                    crash_point("consumer.after_handler")
        except DecodeError as error:
            return Verdict(Outcome.DEAD, f"UNDECODABLE: {error}"[:REASON_LENGTH])
        # It passes, nobody need look at it; NotYet is among them.
        except (Unavailable, DeadlineExceeded, Aborted, ResourceExhausted) as error:
            return Verdict(Outcome.WAITING, str(error)[:REASON_LENGTH])
        except TimeoutError:
            return Verdict(Outcome.WAITING, f"TIMEOUT: the handler took over {self._handler_seconds:g} s.")
        except Refusal as error:
            return Verdict(Outcome.DEAD, str(error)[:REASON_LENGTH])
        except Exception as error:  # whatever it is, it goes to the dead letters and others are not held up
            log.exception("a handler failed", extra={"consumer": self._consumer, "id": event.id, "type": event.type})
            # The kind only: reasons travel in Kafka headers, and the text may hold personal data. The log has it.
            return Verdict(Outcome.DEAD, f"UNEXPECTED: {type(error).__name__}")
        return APPLIED
