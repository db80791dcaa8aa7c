"""Calls of Adyen's SDK, with refusals in place of its errors."""

from collections.abc import Callable, Mapping
from typing import Any

from payment_service.outbound.gateways.kept_session import refusing
from payment_service.outbound.gateways.on_the_loop import run

GATEWAY = "adyen"
UNDER_WAY = "704"  # the same call is being worked on


class AdyenCalls:
    """For all of its APIs."""

    async def __call__(self, act: Callable[..., Any], *args: Any, key: str = "", **options: Any) -> Mapping[str, Any]:
        """The JSON object that is answered. key: for idempotency; "": what only reads or may be repeated."""
        once = {"idempotency_key": key} if key else {}
        with refusing(GATEWAY, _code_of, lambda body: _code_of(body) != UNDER_WAY):
            answer = await run(act, *args, **once, **options)
        message: Mapping[str, Any] = answer.message or {}
        return message


def _code_of(body: Mapping[str, Any]) -> str:
    return str(body.get("errorCode") or "")
