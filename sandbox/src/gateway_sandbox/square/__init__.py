"""Square's far end: payments and refunds of the Payments API (https://developer.squareup.com/reference/square)."""

from gateway_sandbox.square.api import Square

__all__ = ["Square"]
