"""Requests that break the rules of their contract are refused, also where ones much like them were right."""

from types import SimpleNamespace

import pytest

from domain_kit.refusals import InvalidArgument
from grpc_runtime import validation as validation_module
from grpc_runtime.call import Call, contents_of
from grpc_runtime.validation import KnownRequests, Validation


@pytest.fixture
def asked(contract, monkeypatch):
    """`await asked(**fields)`: a FillJarRequest goes through; `.checks` counts what was held against the rules."""

    class Asked:
        checks = 0

        def __init__(self):
            self.validation = Validation()
            look = self.validation.violations_of

            def counted(request):
                Asked.checks += 1
                return look(request)

            monkeypatch.setattr(self.validation, "violations_of", counted)

        async def __call__(self, **fields):
            async def following(request, _call):
                return request

            request = contract.FillJarRequest(**fields)
            call = Call(SimpleNamespace(invocation_metadata=tuple), None)
            answer = await self.validation.around(None, following)(request, call)
            assert answer is request
            assert request == contract.FillJarRequest(**fields)

    return Asked()


async def test_what_was_right_is_not_held_against_the_rules_again(asked):
    for number in range(5):
        await asked(jar={"name": "jars/a", "grams": 7}, request_id=f"r{number}")
    assert asked.checks == 1


async def test_what_differs_by_more_than_its_request_id_is(asked):
    """INVARIANT: nothing wrong goes through because something else was right."""
    await asked(jar={"name": "jars/a", "grams": 7}, request_id="r1")
    for wrong in ({"name": "jars/a", "grams": 7000}, {"name": "jars/A", "grams": 7}, {}):
        for _ in range(2):
            with pytest.raises(InvalidArgument):
                await asked(jar=wrong, request_id="r1")
    assert asked.checks == 7


def test_a_wrong_request_id_is_never_known(contract):
    known = KnownRequests()
    for wrong in ("", "with space", "a\n", "x" * 65, "ü"):
        assert known.name_of(contract.FillJarRequest(jar={"name": "jars/a"}, request_id=wrong)) is None


def test_messages_without_request_id_and_long_ones_are_never_known(contract):
    known = KnownRequests()
    assert known.name_of(contract.Jar(name="jars/a")) is None
    long = contract.FillJarRequest(jar={"name": "jars/" + "a" * 1024}, request_id="r1")
    assert known.name_of(long) is None


def test_nothing_is_kept_of_secrets(contract):
    known = KnownRequests()
    plain, secret = {"text": "safe"}, {"text": "safe", "combination": "1234"}
    names = [
        known.name_of(contract.FillJarRequest(jar={"name": "jars/a", "labels": labels}, request_id="r1"))
        for labels in ([plain], [plain, secret])
    ]
    assert [name is None for name in names] == [False, True]


def test_what_a_request_says_is_worked_out_once_a_call_and_never_taken_for_that_of_another(contract):
    first, other = (contract.FillJarRequest(jar={"name": name}, request_id="r1") for name in ("jars/a", "jars/b"))
    call = Call(SimpleNamespace(invocation_metadata=tuple), None)
    assert call.contents(first) is call.contents(first)
    assert call.contents(other) == contents_of(other) != call.contents(first)


def test_the_oldest_are_forgotten(monkeypatch):
    monkeypatch.setattr(validation_module, "MOST_KNOWN", 2)
    known = KnownRequests()
    for name in (b"1", b"2", None, b"3"):
        known.add(name)
    assert [name in known for name in (b"1", b"2", b"3", None)] == [False, True, True, False]


def test_a_request_that_may_be_long_is_checked_up_to_its_first_violation(contract):
    validation = Validation({"usher.jar.v1.Jar": 9000})
    fine, bad = {"text": "fine"}, {"text": "too long"}
    assert validation.violations_of(contract.Jar(name="jars/a", labels=[fine] * 9000)) == []
    (found,) = validation.violations_of(contract.Jar(name="jars/a", labels=[fine] * 8998 + [bad] * 2))
    assert found.field == "labels[8998].text"
    assert len(validation.violations_of(contract.Jar(name="jars/a", labels=[bad] * 2))) == 2
    (found,) = validation.violations_of(contract.Jar(name="jars/a", labels=[bad] * 9001))
    assert "9000 items" in found.description
