"""Which gateway is chosen, by table; and why."""

from dataclasses import replace
from random import Random

import pytest

from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition, InvalidArgument
from payment_service.domain.capabilities import Capabilities, CurrencyRule, Fee, Method
from payment_service.domain.gateways import MethodKind
from payment_service.domain.payment_settings import NO_SETTINGS, PaymentSettings
from payment_service.domain.routing import Health, Offer, Wish, currencies, rank

BASE = Capabilities(
    gateway="", display_name="", methods={"card": Method("card", MethodKind.TOKEN)},
    currencies={"EUR": CurrencyRule(2), "CAD": CurrencyRule(2)}, countries=frozenset(), fees={"*": Fee(300, 0)},
    capture_days=7, refund_days=0, partial_refunds=True,
)  # fmt: skip


WELL = Health()


def offer(name: str, *methods: Method, health: Health = WELL, priority: int = 100, **changes: object) -> Offer:
    if methods:
        changes["methods"] = {each.name: each for each in methods}
    return Offer(replace(BASE, gateway=name, **changes), health, priority)


CARD = Method("card", MethodKind.TOKEN)
PAYPAL = offer("paypal", Method("paypal", MethodKind.REDIRECT))
ALIPAY = offer(
    "alipay", Method("alipay_qr", MethodKind.QR_CODE, frozenset({"CN"})), currencies={"CNY": CurrencyRule(2)}
)  # fmt: skip
CHEAP, DEAR = offer("cheap", fees={"*": Fee(100, 0)}), offer("dear", fees={"*": Fee(300, 0)})
DOOR = offer("door", Method("pay_at_door", MethodKind.INSTRUCTIONS), fees={"*": Fee(0, 0)}, capture_days=0)
OFFERS = [DEAR, PAYPAL, ALIPAY, CHEAP, DOOR]
EUR, CNY = Wish(Money(2000, "EUR")), Wish(Money(2000, "CNY"))
OPEN, FAILING, AILING = Health(breaker="open"), Health(0.4, 50), Health(0.8, 50)


def first(offers: list[Offer], wish: Wish = EUR, settings: PaymentSettings = NO_SETTINGS) -> list[str]:
    mixed = list(offers)
    Random(7).shuffle(mixed)
    return [each.gateway for each in rank(mixed, wish, settings).candidates]


@pytest.mark.parametrize(
    ("wish", "settings", "expected"),
    [
        (EUR, NO_SETTINGS, ["cheap", "dear", "paypal", "door"]),
        (CNY, NO_SETTINGS, ["alipay"]),
        (replace(CNY, country="CN"), NO_SETTINGS, ["alipay"]),
        (replace(CNY, country="DE"), NO_SETTINGS, []),
        (replace(EUR, method="paypal"), NO_SETTINGS, ["paypal"]),
        (replace(EUR, method="card"), NO_SETTINGS, ["cheap", "dear"]),
        (replace(EUR, gateway="dear"), NO_SETTINGS, ["dear", "cheap", "paypal", "door"]),
        (replace(EUR, gateway="nobody"), NO_SETTINGS, ["cheap", "dear", "paypal", "door"]),
        (EUR, PaymentSettings(order=("door", "paypal")), ["door", "paypal", "cheap", "dear"]),
        (replace(EUR, gateway="dear"), PaymentSettings(order=("paypal",)), ["dear", "paypal", "cheap", "door"]),
        (EUR, PaymentSettings(excluded=("cheap", "door")), ["dear", "paypal"]),
        (replace(EUR, gateway="cheap"), PaymentSettings(excluded=("cheap",)), ["dear", "paypal", "door"]),
        (EUR, PaymentSettings(pinned="paypal"), ["paypal"]),
        (EUR, PaymentSettings(pinned="alipay"), []),
        (EUR, PaymentSettings(reserve=True), ["cheap", "dear", "paypal"]),
    ],
)
def test_who_comes_first(wish: Wish, settings: PaymentSettings, expected: list[str]) -> None:
    assert first(OFFERS, wish, settings) == expected


@pytest.mark.parametrize(
    ("health", "expected"),
    [
        (Health(), "cheap"),
        (OPEN, "dear"),
        (FAILING, "dear"),
        (AILING, "dear"),
        (Health(0.0, 3), "cheap"),
        (Health(0.95, 50), "cheap"),
    ],
)
def test_who_has_been_failing_comes_later(health: Health, expected: str) -> None:
    assert first([replace(CHEAP, health=health), DEAR])[0] == expected


def test_an_open_breaker_is_weightier_than_any_wish_and_still_the_last_resort() -> None:
    broken = replace(CHEAP, health=OPEN)
    assert first([broken, DEAR], replace(EUR, gateway="cheap"), PaymentSettings(order=("cheap",))) == ["dear", "cheap"]
    assert first([broken]) == ["cheap"]


def test_a_method_of_the_payers_country_comes_before_cards_and_not_elsewhere() -> None:
    pix = offer("local", CARD, Method("pix", MethodKind.QR_CODE, frozenset({"BR"})), fees={"*": Fee(900, 0)})
    found = rank([pix, CHEAP], replace(EUR, country="BR")).candidates
    assert (found[0].gateway, found[0].method) == ("local", "pix")
    assert "made for payers in BR" in found[0].reasons
    assert rank([pix, CHEAP], replace(EUR, country="FR")).candidates[0].gateway == "cheap"


def test_the_platforms_priority_is_weightier_than_the_fee() -> None:
    assert first([CHEAP, replace(DEAR, priority=1)]) == ["dear", "cheap"]


def test_equal_ways_are_always_in_the_same_order() -> None:
    twins = [offer(name) for name in "cab"]
    assert first(twins) == first(twins[::-1]) == ["a", "b", "c"]


def test_every_place_has_its_reasons_and_who_is_left_out_hears_why() -> None:
    settings = PaymentSettings(order=("dear",), excluded=("paypal",))
    ranking = rank([*OFFERS[:3], replace(CHEAP, health=AILING)], replace(EUR, gateway="cheap"), settings)
    assert [(each.gateway, each.reasons) for each in ranking.candidates] == [
        ("cheap", ("the payer's choice", "80% of 50 calls went well", "fee 0.20 EUR")),
        ("dear", ("number 1 of the organizer", "fee 0.60 EUR")),
    ]
    assert {name: why.reason for name, why in ranking.left_out} == {"paypal": "EXCLUDED", "alipay": "NOT_TAKEN"}


def test_without_a_way_the_refusal_says_what_was_wrong() -> None:
    with pytest.raises(FailedPrecondition) as caught:
        rank([PAYPAL], replace(EUR, method="card")).first()
    assert (caught.value.reason, "paypal" in caught.value.metadata["gateways"]) == ("NO_GATEWAY", True)
    small = offer("least", currencies={"EUR": CurrencyRule(2, minimum=5000)})
    with pytest.raises(InvalidArgument, match="AMOUNT_NOT_CHARGEABLE"):
        rank([small, ALIPAY], EUR).first()
    assert first([small, CHEAP]) == ["cheap"]


def test_a_currency_that_no_gateway_takes_is_refused_as_that() -> None:
    with pytest.raises(FailedPrecondition) as caught:
        rank([CHEAP, PAYPAL], Wish(Money(100, "CLF"))).first()
    assert (caught.value.reason, caught.value.metadata) == ("CURRENCY_NOT_TAKEN", {"currency_code": "CLF"})


def test_an_organizer_can_be_paid_in_what_gateways_take_that_it_uses() -> None:
    yen = offer("yen", currencies={"JPY": CurrencyRule(0)}, capture_days=0)
    picky = offer(
        "picky", currencies={"EUR": CurrencyRule(2), "CLF": CurrencyRule(4)},
        methods={"card": Method("card", MethodKind.TOKEN, currencies=frozenset({"EUR"}))},
    )  # fmt: skip
    assert currencies([yen, picky]) == ["EUR", "JPY"]
    assert currencies([yen, picky], PaymentSettings(pinned="yen")) == ["JPY"]
    assert currencies([yen, picky], PaymentSettings(excluded=("yen",))) == ["EUR"]
    assert currencies([yen, picky], PaymentSettings(reserve=True)) == ["EUR"]


def test_after_a_failure_the_same_method_is_tried_elsewhere_first() -> None:
    left = rank([CHEAP, DEAR, PAYPAL], replace(EUR, gateway="paypal")).without("cheap", "card")
    assert [each.gateway for each in left.candidates] == ["dear", "paypal"]
    assert [each.gateway for each in left.only("paypal", "paypal").candidates] == ["paypal"]


@pytest.mark.parametrize(
    "wanted", [PaymentSettings(pinned="a", excluded=("a",)), PaymentSettings(order=("a",), excluded=("a",))]
)
def test_settings_that_contradict_themselves_are_refused(wanted: PaymentSettings) -> None:
    with pytest.raises(InvalidArgument, match="GATEWAY_EXCLUDED"):
        NO_SETTINGS.changed(wanted)


def test_settings_that_say_nothing_new_are_no_change() -> None:
    after, made = NO_SETTINGS.changed(PaymentSettings(pinned="a"))
    assert (after.pinned, len(made)) == ("a", 1)
    assert after.changed(replace(after, name="", version=9)) == (after, [])
