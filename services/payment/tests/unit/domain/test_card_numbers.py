"""Card numbers never get in."""

import pytest

from domain_kit.refusals import InvalidArgument
from payment_service.domain.card_numbers import refuse_card_number


@pytest.mark.parametrize(
    "text",
    [
        "4242424242424242",
        "pm_4242424242424242",
        "my card is 4000 0566 5566 5556, thanks",
        "3782-822463-10005",
        "4242 4242 4242 4242 12/29 123",
        "6011.1111.1111.1117",
        "4242424242424242abcdef",
        "0" * 40 + " 4242424242424242",
    ],
)
def test_what_looks_like_a_card_number_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        refuse_card_number(text, "reason")
    assert caught.value.reason == "CARD_NUMBER_REFUSED"
    assert caught.value.violations[0].field == "reason"
    assert "4242" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "pm_card_visa",
        "pm_1MqLiJLkdIwHu7ixUEgbFdYF",
        "order 4242424242424241",
        "2027-03-01 12:00",
        "12345",
        "4" * 40,
        '{"razorpay_signature": "c0ffee4242424242424242aa01b2c3d4e5f60718293a4b5c6d7e8f9012a3b4c5"}',
    ],
)
def test_other_texts_pass(text: str) -> None:
    refuse_card_number(text, "reason")
