"""Saved ways to pay: what they are called, and what a payment is confirmed with."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from payment_service.domain.card_numbers import refuse_card_number
from payment_service.domain.saved_methods import Held, Keeper, SavedMethod, parted

names = st.text("abcXYZ0189_-", min_size=1, max_size=40)


def held(keeper: str, reference: str, gateway: str = "stripe") -> Held:
    payer = "users/01jz0000000000000000000001"
    return Held(
        Keeper(payer, gateway, keeper, datetime(2027, 1, 1, tzinfo=UTC)), SavedMethod(reference, "card", "", "")
    )


@given(names, st.text(min_size=1, max_size=60))
def test_a_token_of_a_saved_method_comes_apart_as_it_was_put_together(keeper: str, reference: str) -> None:
    assert parted(held(keeper, reference).token) == (keeper, reference)


@given(st.text(max_size=60).filter(lambda text: not text.startswith("saved:")))
def test_any_other_token_stays_as_it_is(token: str) -> None:
    assert parted(token) == ("", token)


@given(names, names)
def test_its_name_tells_nothing_and_can_never_be_taken_for_a_card_number(keeper: str, reference: str) -> None:
    name = held(keeper, reference).name
    assert name == held(keeper, reference).name != held(keeper, reference, "square").name
    assert name.rsplit("/", 1)[1].isalpha()
    refuse_card_number(name.rsplit("/", 1)[1], "name")
