"""Kept connections for SDKs over `requests`, and what went wrong as errors that quote nothing that was sent."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from domain_kit.refusals import FailedPrecondition, InvalidArgument, Refusal
from payment_service.outbound.gateways.said_no import out_of_order, unavailable, unknown

log = logging.getLogger(__name__)
# The gateway has not decided: too early, conflicting with a call under way, too many calls.
UNDECIDED = frozenset({408, 409, 423, 425, 429})


class NoAnswer(Exception):
    """Nobody knows whether the far side has acted."""


class Answered(Exception):
    """A status outside 2xx, with the JSON object that came with it, or an empty one."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        super().__init__(f"HTTP {status}")
        self.status, self.body = status, body


class KeptSession(requests.Session):
    """One pool of connections for all threads of a gateway; nothing is repeated, no cookie kept, no redirect followed.

    timeout: seconds for connecting and for each read. Raises NoAnswer and Answered, never an error of `requests`, some
    of which carry the address and some SDKs print.
    """

    def __init__(self, timeout: float, *, size: int = 8) -> None:
        super().__init__()
        self._timeout = timeout
        for scheme in ("https://", "http://"):
            self.mount(scheme, HTTPAdapter(pool_connections=2, pool_maxsize=size, max_retries=0))
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.auth = _as_it_is  # else a .netrc of this machine would take the place of the SDK's own header

    def request(self, method: str, url: str, *args: Any, **options: Any) -> requests.Response:  # type: ignore[override]
        """A 2xx answer, with JSON or without a body."""
        # An SDK's own bundle of certificates grows old: `verify` is the machine's.
        options.update(timeout=self._timeout, allow_redirects=False, verify=True)
        try:
            answer = super().request(method, url, *args, **options)
            body = answer.json() if answer.content else {}
        except requests.JSONDecodeError:
            # An error page of something between is still an answer; a success that cannot be read is none.
            if answer.ok and answer.status_code < 300:
                raise NoAnswer("not JSON") from None
            body = {}
        except (requests.RequestException, OSError) as error:
            raise NoAnswer(type(error).__name__) from None
        if not 200 <= answer.status_code < 300:
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


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
