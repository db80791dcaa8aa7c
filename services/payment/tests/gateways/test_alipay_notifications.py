"""Notifications of Alipay: who may say that an order is to be looked at, and when."""

import base64
import random
import string
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from domain_kit.refusals import InvalidArgument, Unauthenticated
from gateway_sandbox.alipay.signing import Signing, joined, make_credentials
from payment_service.domain.gateways import Delivery, Notice
from payment_service.outbound.gateways.alipay import open_gateway
from payment_service.outbound.gateways.alipay_client import china_text

NOW = datetime(2027, 3, 1, 20, tzinfo=UTC)  # the next day in China
ALPHABET = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"


@pytest.fixture(scope="module")
def credentials():
    """Of an app, and of Alipay under names with far_."""
    return make_credentials("http://127.0.0.1:9")


@pytest.fixture(scope="module")
def later():
    """The same app after Alipay's key was changed."""
    return make_credentials("http://127.0.0.1:9")


def notification(credentials, *, now=NOW, **changes) -> Delivery:
    """As Alipay sends it at that time."""
    told = {
        "notify_id": "ac05099524730693a8b330c5ecf72da9786",
        "notify_time": china_text(now),
        "app_id": credentials["app_id"],
        "out_trade_no": "a" * 32,
        "trade_status": "TRADE_SUCCESS",
        "total_amount": "199.00",
        "subject": "Concert à Montréal + 音乐会",
        "fund_bill_list": '[{"amount":"199.00","fundChannel":"ALIPAYACCOUNT"}]',
    }
    told = {name: value for name, value in {**told, **changes}.items() if value is not None}
    body = urlencode(Signing(credentials).signed(told)).encode()
    return Delivery(body, {"content-type": "application/x-www-form-urlencoded"}, "https://shop.example/hook")


async def reading(credentials, delivery, now=NOW):
    async with open_gateway(credentials, timeout=1.0, webhook_url="https://shop.example/hook") as gateway:
        return gateway.read(delivery, now)


def mutations(good: Delivery):
    """500 deliveries that differ from a good one in one byte, or in one field, and say something else by it."""
    chance = random.Random(4)
    said = parse_qsl(good.body.decode(), keep_blank_values=True)
    made = 0
    while made < 500:
        at = chance.randrange(len(good.body))
        other = bytes([chance.choice(b"09azAZ+/=_-%&. \xff")])
        before, after = good.body[:at], good.body[at + 1 :]
        changed = chance.choice((before + after, before + other + after, before + other + good.body[at:]))
        if parse_qsl(changed.decode("latin-1"), keep_blank_values=True) != said:
            made += 1
            yield replace(good, body=changed)


async def test_a_notification_that_was_changed_anywhere_is_refused(credentials):
    """INVARIANT: only Alipay can say that an order is to be looked at."""
    good = notification(credentials)
    fields = dict(parse_qsl(good.body.decode()))
    async with open_gateway(credentials, timeout=1.0, webhook_url="https://shop.example/hook") as gateway:
        assert gateway.read(good, NOW) == [Notice("ac05099524730693a8b330c5ecf72da9786", key="a" * 32, paid=True)]
        without = [{name: value for name, value in fields.items() if name != missing} for missing in fields]
        for bad in (*mutations(good), *(replace(good, body=urlencode(each).encode()) for each in without)):
            with pytest.raises(Unauthenticated, match="WEBHOOK_SIGNATURE_INVALID"):
                gateway.read(bad, NOW)
        twice = b"out_trade_no=" + b"b" * 32
        for bad in (good.body + b"&" + twice, twice + b"&" + good.body, good.body + b"&extra=1"):
            with pytest.raises(Unauthenticated, match="WEBHOOK_SIGNATURE_INVALID"):
                gateway.read(replace(good, body=bad), NOW)


async def test_the_same_signature_spelled_otherwise_is_refused(credentials):
    good = notification(credentials)
    fields = dict(parse_qsl(good.body.decode()))
    spelled = fields["sign"][:-3] + ALPHABET[ALPHABET.index(fields["sign"][-3]) + 1] + "=="
    assert base64.b64decode(spelled) == base64.b64decode(fields["sign"])
    for sign in (spelled, f"{fields['sign']}\n", fields["sign"].rstrip("=")):
        with pytest.raises(Unauthenticated, match="WEBHOOK_SIGNATURE_INVALID"):
            await reading(credentials, replace(good, body=urlencode({**fields, "sign": sign}).encode()))


async def test_a_signature_with_sha1_is_refused(credentials):
    fields = dict(parse_qsl(notification(credentials).body.decode()))
    signed = {name: value for name, value in fields.items() if name not in {"sign", "sign_type"}}
    key = load_pem_private_key(credentials["far_private_key"].encode(), None)
    for digest, kind in ((SHA1(), "RSA"), (SHA1(), "RSA2"), (SHA256(), "RSA"), (SHA256(), "")):
        sign = base64.b64encode(key.sign(joined(signed).encode(), PKCS1v15(), digest)).decode()
        body = urlencode({**signed, "sign_type": kind, "sign": sign}).encode()
        with pytest.raises(Unauthenticated, match="WEBHOOK_SIGNATURE_INVALID"):
            await reading(credentials, replace(notification(credentials), body=body))


@pytest.mark.parametrize(("seconds", "taken"), [(0, True), (299, True), (301, False), (-299, True), (-301, False)])
async def test_a_notification_counts_for_five_minutes_either_way_of_the_time_in_china(credentials, seconds, taken):
    good = notification(credentials)
    if taken:
        assert await reading(credentials, good, NOW + timedelta(seconds=seconds))
    else:
        with pytest.raises(Unauthenticated, match="WEBHOOK_TOO_OLD"):
            await reading(credentials, good, NOW + timedelta(seconds=seconds))


async def test_while_the_key_changes_the_old_and_the_new_one_count(credentials, later):
    both = {**credentials, "alipay_public_key": f"{later['alipay_public_key']},{credentials['alipay_public_key']}"}
    for signer in (credentials, later):
        good = notification(signer)
        assert await reading(both, good) == await reading(both, good)
    with pytest.raises(Unauthenticated):
        await reading(credentials, notification(later))


async def test_what_is_signed_for_another_app_or_says_nothing_is_no_notice(credentials):
    with pytest.raises(Unauthenticated, match="WEBHOOK_SIGNATURE_INVALID"):
        await reading(credentials, notification(credentials, app_id="2021000000000000"))
    for changes in ({"notify_id": None}, {"notify_time": None}, {"notify_time": "yesterday"}):
        with pytest.raises(InvalidArgument, match="WEBHOOK_BODY_INVALID"):
            await reading(credentials, notification(credentials, **changes))
