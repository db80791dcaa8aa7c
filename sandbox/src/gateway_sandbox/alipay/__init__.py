"""Alipay's far end: codes, the pay page, closing, cancelling, refunds and notifications of gateway.do."""

from gateway_sandbox.alipay.provider import Alipay

__all__ = ["Alipay"]
