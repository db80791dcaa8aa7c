"""Square's disputes in our words (https://developer.squareup.com/docs/disputes-api/overview).

`dispute.created` and `dispute.state.updated` carry the whole dispute, with a `version` that grows. While it is an
inquiry nothing is taken; after that Square withholds the amount until it is decided. A payment does not say that it is
disputed, and disputes cannot be found by payment, so the signed word is all there is. Square takes no fee for one.
"""

from collections.abc import Mapping
from typing import Any

from payment_service.domain.capabilities import Capabilities
from payment_service.domain.gateways import Intent, IntentState

INQUIRIES = "INQUIRY_"
LOST = frozenset({"LOST", "ACCEPTED"})
WON = "WON"


def said_of(dispute: Mapping[str, Any], can: Capabilities) -> Intent | None:
    """What a dispute says of its payment; None while it is an inquiry."""
    state = str(dispute["state"])
    if state.startswith(INQUIRIES):
        return None
    amount = dispute["amount_money"]
    return Intent(
        "",
        IntentState.SUCCEEDED,
        disputed=state != WON,
        lost=state in LOST,
        disputed_amount=can.money(int(amount["amount"]), str(amount["currency"])),
        dispute=str(dispute.get("id") or dispute["dispute_id"]),
        dispute_stage=int(dispute.get("version") or 0),
    )
