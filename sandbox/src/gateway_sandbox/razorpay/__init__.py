"""Razorpay's far end (https://razorpay.com/docs/api)."""

from gateway_sandbox.razorpay.provider import Razorpay

__all__ = ["Razorpay"]
