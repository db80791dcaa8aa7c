"""A payer at Razorpay's checkout, by UPI."""

import json
from typing import Any

import httpx

from domain_kit.money import Money
from payment_service.domain.gateways import Intent

METHOD = "upi"
AMOUNT = Money(49_900, "INR")
SIGNS_TIME = False
SIGNED_BY_HEADERS = True


async def browser(far: Any, intent: Intent, passes: bool, *, address: str = "") -> str:
    """What the checkout hands to its page."""
    form = {
        **{name: intent.client[name] for name in ("key_id", "order_id")},
        "method": "upi",
        "vpa": address or ("success@razorpay" if passes else "failure@razorpay"),
    }
    async with httpx.AsyncClient() as client:
        answer = (await client.post(f"{far.url}/razorpay/v1/payments/create/ajax", data=form)).json()
    # Of a payment that failed the page gets no signature.
    return json.dumps(
        answer if "error" not in answer else {"razorpay_payment_id": answer["error"]["metadata"]["payment_id"]}
    )
