"""What Razorpay's disputes say of their payment."""

import pytest

from domain_kit.money import Money
from payment_service.outbound.capability_files import capabilities_of
from payment_service.outbound.gateways.razorpay_disputes import said_of

CAN = capabilities_of("razorpay")


@pytest.mark.parametrize(
    ("status", "phase", "disputed", "lost", "units"),
    [
        ("open", "chargeback", True, False, 900), ("under_review", "pre_arbitration", True, False, 900),
        ("won", "chargeback", False, False, 900), ("closed", "chargeback", False, False, 900),
        ("lost", "arbitration", True, True, 500), ("lost", "fraud", True, True, 500),
    ],
)  # fmt: skip
def test_each_status_says_who_has_the_money(status, phase, disputed, lost, units):
    told = {"id": "disp_1", "status": status, "phase": phase, "amount": 900, "amount_deducted": 500, "currency": "INR"}
    said = said_of(told, 7, CAN)
    assert (said.disputed, said.lost, said.disputed_amount) == (disputed, lost, Money(units, "INR"))
    assert (said.dispute, said.dispute_stage) == ("disp_1", 7)


@pytest.mark.parametrize("phase", ["fraud", "retrieval"])
def test_a_bank_that_only_asks_has_taken_nothing(phase):
    told = {"id": "disp_1", "status": "open", "phase": phase, "amount": 900, "currency": "INR"}
    assert said_of(told, 7, CAN) is None
