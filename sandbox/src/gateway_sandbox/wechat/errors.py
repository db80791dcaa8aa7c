"""A no in WeChat Pay's shape (https://pay.weixin.qq.com/doc/v3/merchant/4012081670)."""


class WeChatError(Exception):
    """Nothing was done."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code)
        self.status, self.body = status, {"code": code, "message": message}


def wrong(message: str) -> WeChatError:
    """A parameter that is missing, unknown or malformed."""
    return WeChatError(400, "PARAM_ERROR", message)
