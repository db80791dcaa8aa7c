"""What SDKs take for a session of `requests`, and what went wrong as errors that quote nothing that was sent."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from domain_kit.refusals import FailedPrecondition, InvalidArgument, Refusal
from payment_service.outbound.gateways.connections import Answer, Connections, NoAnswer, Verbs
from payment_service.outbound.gateways.on_the_loop import awaited
from payment_service.outbound.gateways.said_no import out_of_order, unavailable, unknown

log = logging.getLogger(__name__)
# The gateway has not decided: too early, conflicting with a call under way, too many calls.
UNDECIDED = frozenset({408, 409, 423, 425, 429})


class Answered(Exception):
    """A status outside 2xx, with the JSON object that came with it, or an empty one."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        super().__init__(f"HTTP {status}")
        self.status, self.body = status, body


class KeptSession(Verbs):
    """For SDKs that run `on_the_loop`, over connections of ours.

    Raises NoAnswer and Answered, never an error of `requests`, some of which carry the address and some SDKs print.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def request(self, method: str, url: str, **options: Any) -> Answer:
        """A 2xx answer, with JSON or without a body."""
        answer = awaited(self._connections.request(method, url, **options))
        try:
            body = answer.json() if answer.content else {}
        except ValueError:
            # An error page of something between is still an answer; a success that cannot be read is none.
            if answer.ok:
                raise NoAnswer("not JSON") from None
            body = {}
        if not answer.ok:
            raise Answered(answer.status_code, body if isinstance(body, dict) else {})
        return answer


def _decided(body: Mapping[str, Any]) -> bool:  # noqa: ARG001
    return True


@contextmanager
def refusing(
    gateway: str,
    code_of: Callable[[Mapping[str, Any]], str],
    decided: Callable[[Mapping[str, Any]], bool] = _decided,
) -> Iterator[None]:
    """Raises refusals in place of NoAnswer and Answered.

    code_of: the gateway's own code in the body of an answer. decided: False for a body that says, whatever its status,
    that the gateway has not understood and said no.
    """
    try:
        yield
    except NoAnswer:
        raise unavailable() from None
    except Answered as answered:
        if not decided(answered.body):
            raise unavailable() from None
        raise refusal_of(gateway, answered.status, code_of(answered.body)) from None


def refusal_of(gateway: str, status: int, code: str) -> Refusal:
    """Unavailable where nobody knows or repeating helps, else what is wrong with the request."""
    if status >= 500 or status < 400 or status in UNDECIDED:
        return unavailable()
    if status in (401, 403):
        log.error("the gateway does not accept our key", extra={"gateway": gateway, "status": status})
        return out_of_order()
    metadata = {"gateway": gateway, "gateway_code": code[:64]}
    if status == 404:
        return unknown(metadata)
    if status == 422:
        return FailedPrecondition("GATEWAY_REFUSED", "The payment gateway refused the request.", metadata=metadata)
    return InvalidArgument("GATEWAY_REFUSED", "The payment gateway refused the request.", metadata=metadata)
