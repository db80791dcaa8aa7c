"""What merchants do wrong is refused by every provider in its own words, and nothing is kept of it."""

import base64
import json
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from gateway_sandbox.server import serving


@dataclass(frozen=True)
class Call:
    """One good call that takes money or begins to.

    idempotency: the header of its key; "" where things are looked up instead. code_of: finds the provider's code in an
    answer.
    """

    path: str
    body: dict[str, Any]
    idempotency: str
    code_of: Any
    wrong: dict[str, Any]
    codes: dict[str, Any]  # of an unknown parameter, and of a wrong one
    unauthorized: int = 401


CALLS = {
    "razorpay": Call(
        "/v1/orders",
        {"amount": 49_900, "currency": "INR", "receipt": "a" * 32},
        "",
        lambda answer: answer["error"]["reason"],
        {"amount": 1.5},
        {"unknown": "extra_field_sent", "wrong": "input_validation_failed"},
    ),
    "mercadopago": Call(
        "/v1/payments",
        {
            "transaction_amount": 19.99,
            "token": "card_token_APRO",
            "installments": 1,
            "payer": {"email": "a@usher.example"},
        },
        "x-idempotency-key",
        lambda answer: answer["cause"][0]["code"],
        {"transaction_amount": 19.999},
        {"unknown": 8, "wrong": 4037},
    ),
    "adyen": Call(
        "/v72/payments",
        {
            "merchantAccount": "UsherTEST",
            "amount": {"value": 1_999, "currency": "EUR"},
            "reference": "a" * 32,
            "returnUrl": "http://shop.example/",
            "paymentMethod": {"type": "scheme", "encryptedCardNumber": "test_4111111111111111"},
        },
        "Idempotency-Key",
        lambda answer: answer["errorCode"],
        {"amount": {"value": "1999", "currency": "EUR"}},
        {"unknown": "702", "wrong": "137"},
    ),
}


def headers_of(name, keys):
    return {
        "razorpay": lambda: {
            "Authorization": "Basic " + base64.b64encode(f"{keys['key_id']}:{keys['key_secret']}".encode()).decode()
        },
        "mercadopago": lambda: {"Authorization": f"Bearer {keys['access_token']}"},
        "adyen": lambda: {"X-API-Key": keys["api_key"]},
    }[name]()


@pytest.fixture(params=sorted(CALLS))
async def merchant(request, tmp_path):
    """Sends the call of a provider, changed and with other headers: status and answer."""
    async with serving(tmp_path) as url, httpx.AsyncClient() as client:
        name, call = request.param, CALLS[request.param]
        keys = json.loads((tmp_path / "credentials.json").read_text())[name]
        numbers = iter(range(100))

        async def send(changed=None, key="", **headers):
            own = {call.idempotency: key or f"key-{next(numbers)}"} if call.idempotency else {}
            answer = await client.post(
                f"{url}/{name}{call.path}",
                json={**call.body, **(changed or {})},
                headers={**headers_of(name, keys), **own, **headers},
            )
            return answer.status_code, answer.json()

        async def totals():
            return (await client.get(f"{url}/_sandbox/{name}/totals")).json()["currencies"]

        yield call, send, totals


async def test_a_good_call_is_taken(merchant):
    _, send, _ = merchant
    status, _ = await send()
    assert status in (200, 201)


async def test_without_the_right_key_nothing_is_done(merchant):
    call, send, totals = merchant
    for wrong in ({"Authorization": "Bearer other", "X-API-Key": "other"}, {"Authorization": "", "X-API-Key": ""}):
        status, _ = await send(**wrong)
        assert status == call.unauthorized
    assert await totals() == {}


async def test_unknown_and_wrong_parameters_are_refused_in_the_providers_words(merchant):
    call, send, totals = merchant
    for changed, expected in (({"unheard_of": 1}, "unknown"), (call.wrong, "wrong")):
        status, answer = await send(changed)
        assert 400 <= status < 500
        assert call.code_of(answer) == call.codes[expected]
    assert await totals() == {}


@pytest.mark.parametrize("merchant", [name for name, call in CALLS.items() if call.idempotency], indirect=True)
async def test_one_key_is_answered_once_and_never_for_another_call(merchant):
    call, send, totals = merchant
    first, again = await send(key="k" * 32), await send(key="k" * 32)
    assert first == again
    other = {"reference": "other"} if "reference" in call.body else {"description": "other"}
    assert 400 <= (await send(other, key="k" * 32))[0] < 500
    assert sum(count["charges"] for count in (await totals()).values()) == 1
