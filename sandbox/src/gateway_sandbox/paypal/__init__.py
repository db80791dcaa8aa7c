"""PayPal's far end: Orders v2, Payments v2 and transaction search (https://developer.paypal.com/api/rest/)."""

from gateway_sandbox.paypal.api import PayPal

__all__ = ["PayPal"]
