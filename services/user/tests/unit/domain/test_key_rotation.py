from datetime import timedelta

from user_service.domain.key_rotation import Generation, RotationPolicy

POLICY = RotationPolicy(every=timedelta(days=30), lead=timedelta(minutes=15), keep=timedelta(hours=1))


def test_the_first_key_is_due_at_once_and_signs_at_once(clock):
    assert POLICY.next_number([], clock()) == 1
    first = Generation(1, "one", clock())
    assert POLICY.next_number([first], clock()) is None
    assert POLICY.signing([first], clock()) is first


def test_a_new_key_is_published_before_it_signs_and_the_old_one_kept_after(clock):
    first = Generation(1, "one", clock())
    clock.move(days=30)
    assert POLICY.next_number([first], clock()) == 2
    both = [first, Generation(2, "two", clock())]
    assert POLICY.signing(both, clock()).key == "one"
    assert [each.key for each in POLICY.published(both, clock())] == ["two", "one"]
    clock.move(minutes=15)
    assert POLICY.signing(both, clock()).key == "two"
    assert [each.key for each in POLICY.published(both, clock())] == ["two", "one"]
    clock.move(hours=1)
    assert [each.key for each in POLICY.published(both, clock())] == ["two"]


def test_a_third_key_does_not_unpublish_the_second_before_its_time(clock):
    rings = [Generation(1, "one", clock()), Generation(2, "two", clock() + timedelta(days=30))]
    clock.move(days=60)
    rings.append(Generation(3, "three", clock()))
    assert POLICY.signing(rings, clock()).key == "two"
    assert [each.key for each in POLICY.published(rings, clock())] == ["three", "two"]
