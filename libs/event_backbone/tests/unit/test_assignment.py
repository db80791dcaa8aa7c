"""Partitions by instance."""

from types import SimpleNamespace

from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor

from event_backbone.assignment import assignor_for

CLUSTER = SimpleNamespace(partitions_for_topic=lambda topic: {0, 1, 2, 3})


def assigned(**instances: str) -> dict[str, list[int]]:
    """Instance → partitions, of members with these ids."""
    members = {id: assignor_for(instance).metadata(["t"]) for id, instance in instances.items()}
    found = assignor_for("any").assign(CLUSTER, members)
    return {
        instances[id]: [number for _, numbers in each.assignment for number in numbers] for id, each in found.items()
    }


def test_a_member_that_comes_back_under_another_id_has_the_partitions_it_had() -> None:
    """INVARIANT: who comes back takes nothing from others, even if it is the one that assigns."""
    before = assigned(a="host-0", b="host-1")
    assert before == {"host-0": [0, 2], "host-1": [1, 3]}
    assert assigned(z="host-0", b="host-1") == before
    assert assigned(a="host-1", b="host-0") == before


def test_all_partitions_are_read_by_one_each() -> None:
    found = assigned(a="host-1", b="host-0", c="host-2")
    assert sorted(number for numbers in found.values() for number in numbers) == [0, 1, 2, 3]


def test_members_of_an_earlier_release_are_of_the_same_group() -> None:
    mine, theirs = assignor_for("host-0"), RoundRobinPartitionAssignor
    assert mine.name == theirs.name
    members = {"a": mine.metadata(["t"]), "b": theirs.metadata(["t"])}
    for each in (mine, theirs):
        assert each.assign(CLUSTER, members).keys() == members.keys()
