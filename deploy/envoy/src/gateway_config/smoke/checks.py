"""The checks, one after the other; a later one may build on what an earlier one has made."""

import http.client
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from gateway_config.smoke.grpc_health import all_serve
from gateway_config.smoke.public import answers_strangers
from gateway_config.smoke.selling import booking_is_held_and_cancelled, event_is_found, signs_in
from gateway_config.smoke.tls import certificate_is_valid, plain_http_is_refused
from gateway_config.smoke.visit import Skipped, Visit, Wrong

Check = Callable[[Visit], None]
CHECKS: Sequence[Check] = (
    certificate_is_valid,
    plain_http_is_refused,
    answers_strangers,
    all_serve,
    signs_in,
    event_is_found,
    booking_is_held_and_cancelled,
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one check. verdict: "ok", "skipped" or "wrong", the latter two with a reason."""

    check: str
    verdict: str
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.verdict:8}{self.check}" + (f": {self.reason}" if self.reason else "")


def smoke(visit: Visit) -> Iterator[Outcome]:
    """Each check as it is done."""
    for check in CHECKS:
        name = (check.__doc__ or check.__name__).strip()
        try:
            check(visit)
        except Skipped as skipped:
            yield Outcome(name, "skipped", str(skipped))
        except Wrong as wrong:
            yield Outcome(name, "wrong", str(wrong))
        except (OSError, ValueError, LookupError, http.client.HTTPException) as error:
            yield Outcome(name, "wrong", repr(error))
        else:
            yield Outcome(name, "ok")
