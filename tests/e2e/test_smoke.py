"""The test of a release, as a cluster runs it, on the local stack."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway_config.samples import import_samples
from gateway_config.smoke import Account, Visit, smoke
from gateway_config.smoke.grpc_health import SERVICES
from local_stack.mail_folder import caught
from local_stack.platform_processes import SERVICES as RUNNING
from local_stack.stack import Stack
from usher_cli.accounts import register, sign_in
from usher_cli.api import Api, fresh_id
from usher_cli.journey import PASSWORD

SAMPLES = Path(__file__).parents[2] / "deploy" / "helm" / "usher" / "files" / "samples.jsonl"
pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def mail(stack: Stack):
    def newest(address: str) -> str | None:
        found = [each for each in caught(stack.mail()) if address in each.recipients]
        return found[-1].text if found else None

    return newest


def test_somebody_new_goes_through_all_checks(stack: Stack, mail, api: Api) -> None:
    visit = Visit(stack.url(), mail=mail)
    found = list(smoke(visit))
    assert [str(each) for each in found if each.verdict == "wrong"] == []
    assert [each.verdict for each in found] == ["skipped", "skipped", "ok", "ok", "ok", "ok", "ok"]
    event = api.get(f"/v1/{visit.event}")
    assert event["state"] == "EVENT_STATE_CANCELLED"


def test_an_account_that_is_given_is_used_again_and_again(stack: Stack, api: Api, mail) -> None:
    email = "smoke.account@example.org"
    register(api, stack.mail(), email=email, password=PASSWORD, display_name="Smoke")
    organizers = set()
    for _ in range(2):
        visit = Visit(stack.url(), account=Account(email, PASSWORD))
        assert [each.verdict for each in smoke(visit)].count("ok") == 5
        organizers.add(visit.organizer)
    assert len(organizers) == 1


def test_without_an_account_only_what_anybody_may_ask_is_asked(stack: Stack, written) -> None:
    before = written()
    found = list(smoke(Visit(stack.url())))
    assert [each.verdict for each in found] == ["skipped", "skipped", "ok", "ok", "skipped", "skipped", "skipped"]
    assert written() == before


def test_health_is_asked_of_every_service() -> None:
    assert set(SERVICES) == set(RUNNING)


def test_sample_events_are_brought_in_once(stack: Stack, mail, api: Api) -> None:
    lines = SAMPLES.read_text("utf-8").splitlines()
    account = Account(f"samples.{fresh_id()}@example.org", PASSWORD)
    for imported in (len(lines), 0):
        assert import_samples(Visit(stack.url(), mail=mail, account=account), lines, datetime.now(UTC)) == imported
    token = sign_in(api, email=account.email, password=PASSWORD).token
    (organizer,) = api.get("/v1/organizers", token=token)["organizers"]
    events = api.get(f"/v1/{organizer['name']}/events", token=token, query={"pageSize": 100})["events"]
    assert {each["state"] for each in events} == {"EVENT_STATE_PUBLISHED"}


def test_who_registered_and_went_away_is_gone_on_with(stack: Stack, mail, api: Api) -> None:
    email = f"samples.{fresh_id()}@example.org"
    body = {"email": email, "password": PASSWORD, "displayName": "Test", "requestId": fresh_id()}
    api.post("/v1/users:register", body)
    visit = Visit(stack.url(), mail=mail, account=Account(email, PASSWORD))
    assert import_samples(visit, SAMPLES.read_text("utf-8").splitlines()[:1], datetime.now(UTC)) == 1
