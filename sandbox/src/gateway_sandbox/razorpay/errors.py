"""Razorpay's error shape (https://razorpay.com/docs/errors)."""

from typing import Any

from aiohttp import web


class RazorpayError(Exception):
    """What Razorpay answers when it says no."""

    def __init__(self, description: str, *, status: int = 400, reason: str = "input_validation_failed") -> None:
        super().__init__(description)
        self.status, self.description, self.reason = status, description, reason
        self.code = "BAD_REQUEST_ERROR" if status < 500 else "SERVER_ERROR"
        self.source, self.step = "business", "payment_initiation"
        self.metadata: dict[str, str] = {}

    def response(self) -> web.Response:
        """As JSON."""
        error: dict[str, Any] = {
            "code": self.code,
            "description": self.description,
            "source": self.source,
            "step": self.step,
            "reason": self.reason,
            "metadata": self.metadata,
        }
        return web.json_response({"error": error}, status=self.status)


def unknown(what: str) -> RazorpayError:
    """Razorpay answers 400 for ids that it does not have."""
    return RazorpayError(f"The id provided does not exist ({what}).")


def only(given: dict[str, Any], *allowed: str) -> None:
    """Razorpay refuses what it does not know."""
    for name in given:
        if name not in allowed:
            raise RazorpayError(f"{name} is/are not required and should not be sent", reason="extra_field_sent")
