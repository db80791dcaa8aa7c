"""A no in Alipay's shape (https://opendocs.alipay.com/common/02km9f)."""

from collections.abc import Mapping


class AlipayError(Exception):
    """Nothing was done. signed: whether Alipay knows whom it answers, and signs what it says."""

    def __init__(self, code: str, message: str, sub_code: str, sub_message: str, *, signed: bool = True) -> None:
        super().__init__(sub_code)
        self.body: Mapping[str, str] = {"code": code, "msg": message, "sub_code": sub_code, "sub_msg": sub_message}
        self.signed = signed


def failed(sub_code: str, message: str) -> AlipayError:
    """Of the business."""
    return AlipayError("40004", "Business Failed", f"ACQ.{sub_code}", message)


def invalid(sub_code: str, message: str, *, signed: bool = False) -> AlipayError:
    """Of the request itself."""
    return AlipayError("40002", "Invalid Arguments", f"isv.{sub_code}", message, signed=signed)
