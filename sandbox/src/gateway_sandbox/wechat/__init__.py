"""WeChat Pay's far end: NATIVE codes, closing, refunds and notifications of API v3."""

from gateway_sandbox.wechat.provider import WeChat

__all__ = ["WeChat"]
