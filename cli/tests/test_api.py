"""The JSON client: what is repeated, what is a refusal, what a transcript keeps and hides."""

import json
from dataclasses import replace

import httpx
import pytest

from gateway_config.smoke import visit
from payment_service.domain.card_numbers import refuse_card_number
from usher_cli import accounts, journey
from usher_cli.accounts import eventually
from usher_cli.api import Api, ApiRefusal, Exchange, fresh_id
from usher_cli.demo import Transcript, redacted
from usher_cli.options import CommandFailure

REFUSED = {
    "code": 9,
    "message": "No place is left.",
    "details": [
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1s"},
        {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "SOLD_OUT", "metadata": {"remaining": "0"}},
    ],
}


@pytest.fixture
def gateway():
    """An Api whose gateway answers with the given responses in turn; gives the requests it saw."""
    opened = []

    def make(*responses, patience=5.0):
        remaining, seen = list(responses), []

        def answer(request):
            seen.append(request)
            response = remaining.pop(0)
            if isinstance(response, Exception):
                raise response
            return response

        heard = []
        api = Api("http://gateway", patience_seconds=patience, heard=heard.append)
        api.client.close()
        api.client = httpx.Client(base_url="http://gateway", transport=httpx.MockTransport(answer))
        opened.append(api)
        return api, seen, heard

    yield make
    for api in opened:
        api.client.close()


def test_a_request_id_is_so_long_that_payment_never_takes_it_for_a_card_number():
    for make in (fresh_id, visit.fresh_id):
        assert {len(make()) for _ in range(9)} == {32}
        for _ in range(5000):
            refuse_card_number(make(), "request_id")  # of ids half as long one in 800 was refused


def test_a_service_that_is_away_for_a_moment_is_asked_again_with_the_same_request_id(gateway):
    away, gone = httpx.Response(503, json={"code": 14}), httpx.ConnectError("refused")
    api, seen, heard = gateway(away, gone, httpx.Response(200, json={"name": "x"}))
    assert api.post("/v1/x", {"requestId": "one"}, token="t") == {"name": "x"}
    assert [json.loads(request.content) for request in seen] == [{"requestId": "one"}] * 3
    assert seen[0].headers["authorization"] == "Bearer t"
    assert [exchange.status for exchange in heard] == [200]


def test_patience_ends(gateway):
    api, _, _ = gateway(httpx.Response(503, json={"message": "away"}), patience=-1)
    with pytest.raises(ApiRefusal, match="503: away"):
        api.get("/v1/x")


def test_a_refusal_carries_reason_and_metadata_and_is_not_repeated(gateway):
    api, seen, heard = gateway(httpx.Response(400, json=REFUSED))
    with pytest.raises(ApiRefusal, match="POST /v1/x: 400 SOLD_OUT: No place is left.") as refused:
        api.post("/v1/x")
    assert refused.value.metadata == {"remaining": "0"}
    assert (len(seen), heard[0].status) == (1, 400)


def test_an_answer_that_is_no_json_comes_as_bytes(gateway):
    api, _, _ = gateway(httpx.Response(200, content=b"<svg/>", headers={"content-type": "image/svg+xml"}))
    assert api.get("/v1/x:qrCode") == b"<svg/>"


def test_a_stream_is_read_line_by_line_and_heard_once(gateway):
    lines = b'{"checkedCount": 1, "done": false}\n\n{"checkedCount": 2, "done": true}\n'
    api, _, heard = gateway(httpx.Response(200, content=lines))
    assert [answer["checkedCount"] for answer in api.stream("/v1/x:import", {})] == [1, 2]
    assert [exchange.answer["done"] for exchange in heard] == [True]


def test_a_refused_stream_raises_what_any_call_raises(gateway):
    api, _, _ = gateway(httpx.Response(400, json=REFUSED, headers={"content-type": "application/json"}))
    with pytest.raises(ApiRefusal, match="SOLD_OUT"):
        list(api.stream("/v1/x:import", {}))


def test_waiting_for_what_never_comes_ends_with_a_sentence():
    with pytest.raises(CommandFailure, match="a mail to ana did not come within 0 s"):
        eventually(lambda: None, seconds=0, what="a mail to ana")


def test_the_verification_code_is_found_on_a_line_of_its_own():
    text = "this code proves it:\n\nKjzOtUOPPkRJcxo3NgwmVwa5BpVqvFvl\n\nIgnore it otherwise."
    assert accounts._TOKEN.search(text)[1] == "KjzOtUOPPkRJcxo3NgwmVwa5BpVqvFvl"


def exchange(**changes):
    first = Exchange(method="GET", path="/v1/x", body=None, status=200, answer={"hits": []}, seconds=0.01)
    return replace(first, **changes)


def test_a_transcript_shows_a_repeated_question_once_with_its_last_answer():
    transcript = Transcript(None, calls=True)
    transcript.begin("He searches.")
    transcript.hear(exchange())
    transcript.hear(exchange(answer={"hits": ["one"]}))
    transcript.hear(exchange(method="POST", path="/v1/y"))
    transcript.flush()
    assert [(call["method"], call["answer"]) for call in transcript.steps[0]["calls"]] == [
        ("GET", {"hits": ["one"]}),
        ("POST", {"hits": []}),
    ]


def test_a_transcript_shows_neither_passwords_nor_tokens_nor_raw_bytes():
    """INVARIANT: what a demo prints can be pasted anywhere."""
    shown = json.dumps(redacted({"accessToken": "secret", "a": [{"clientSecret": "secret"}], "image": b"secret"}))
    assert "secret" not in shown


def test_every_step_of_the_journey_says_what_happens_in_a_sentence():
    sentences = [step.__doc__ for step in journey.STEPS]
    assert all(sentence and sentence.endswith(".") for sentence in sentences)
    assert len(set(sentences)) == len(journey.STEPS) >= 10
