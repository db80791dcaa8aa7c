"""Adyen's far end (https://docs.adyen.com/api-explorer/Checkout/72/overview)."""

from gateway_sandbox.adyen.provider import Adyen

__all__ = ["Adyen"]
