import time
from contextlib import suppress

import pytest

from domain_kit.refusals import InvalidArgument
from user_service.composition import common_passwords
from user_service.domain.passwords import _shorten_runs, normal

JUDGE = common_passwords()


def refuse(password):
    JUDGE.refuse(password, email="alice.smith@example.com", display_name="Alice Smith")


@pytest.mark.parametrize(
    "password",
    [
        "password123!",
        "Passw0rd2024!!",
        "P@$$w0rd!!!!",
        "passwordpassword",
        "letmein12345",
        "iloveyou!!!!!",
        "Summer2024!!",
        "qwertyuiop123",
        "1234567890",
        "zaq12wsxcde3",
        "qazwsxedcrfv",
        "aaaaaaaaaaaa",
        "abcabcabcabc",
        "7291640385",
        "alice.smith1",
        "Alice Smith!",
        "alice.smith@example.com",
        "smith-alice-1",
        "alice-password-1",
        "          ",
    ],
)
def test_what_is_guessed_first_is_refused(password):
    with pytest.raises(InvalidArgument) as refusal:
        refuse(password)
    assert (refusal.value.reason, refusal.value.violations[0].field) == ("PASSWORD_WEAK", "password")
    assert password.strip() == "" or password not in refusal.value.message


@pytest.mark.parametrize(
    "password",
    [
        "seven kayaks in line",
        "x7Kp2mQz9w",
        "correct horse battery staple",
        "tr0ub4dor&3xyz",
        "pineapple-otter-42",
        "ключ от старого дома",
    ],
)
def test_what_is_long_and_unusual_is_accepted(password):
    refuse(password)


def test_nine_characters_are_too_few():
    with pytest.raises(InvalidArgument):
        refuse("x7Kp2mQz9")


def test_long_passwords_of_one_letter_are_judged_quickly():
    with pytest.raises(InvalidArgument):
        refuse("a" * 256)
    with pytest.raises(InvalidArgument):
        refuse("ab" * 128)


def test_accents_count_the_same_however_they_are_typed():
    assert normal("cafe\u0301 du coin") == normal("caf\u00e9 du coin")


def test_judging_a_password_that_grows_when_normalized_does_not_stop_the_service():
    """INVARIANT: anybody may register, so no password keeps the event loop for long."""
    longest = "\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}" * 256  # 18 characters each once normalized
    began = time.process_time()
    with suppress(InvalidArgument):
        refuse(longest)
    assert time.process_time() - began < 1


@pytest.mark.parametrize("run", ["abcd", "zyxw", "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p", "asdfghjkl"])
def test_a_run_of_keys_counts_as_one_thing_wherever_it_stands(run):
    assert _shorten_runs(f"{run}-x-{run}") == "•-x-•"
    assert _shorten_runs(run[:3]) == run[:3]
