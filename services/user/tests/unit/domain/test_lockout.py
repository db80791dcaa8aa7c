from datetime import timedelta

from user_service.domain.lockout import Failures, LockoutPolicy

POLICY = LockoutPolicy(allowed=5, first=timedelta(minutes=1), longest=timedelta(minutes=15))


def test_sign_in_stays_open_until_the_allowed_number(clock):
    assert not POLICY.left(None, clock())
    assert not POLICY.left(Failures(4, clock()), clock())


def test_each_more_failure_doubles_the_time_up_to_the_longest(clock):
    minutes = [POLICY.left(Failures(count, clock()), clock()) / timedelta(minutes=1) for count in (5, 6, 7, 8, 9, 500)]
    assert minutes == [1, 2, 4, 8, 15, 15]


def test_it_opens_again_when_the_time_is_over(clock):
    failures = Failures(5, clock())
    clock.move(seconds=59)
    assert POLICY.left(failures, clock()) == timedelta(seconds=1)
    clock.move(seconds=1)
    assert not POLICY.left(failures, clock())
