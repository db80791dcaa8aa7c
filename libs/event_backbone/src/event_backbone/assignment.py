"""Who reads which partition: by the names that processes keep over a restart, not by ids that are new each time.

A process that comes back under its name takes its place in the group without the others being asked (KIP-345). If it is
the one that assigns, a broker may have it assign anew, as the embedded one does, and the others do not hear of that:
ordered by member id, as aiokafka's assignors do, two of them then read the same partitions and nobody the rest.
"""

from collections.abc import Iterable, Mapping

from aiokafka.cluster import ClusterMetadata
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata


class ByInstance(RoundRobinPartitionAssignor):  # type: ignore[misc]  # aiokafka ships no types
    """Round robin over members in the order of their instances, which they send along.

    Under the name of aiokafka's own, so that members of both kinds make one group while a release is rolled out.
    """

    instance = b""

    @classmethod
    def metadata(cls, topics: Iterable[str]) -> ConsumerProtocolMemberMetadata:
        """What a member says of itself when it joins."""
        return ConsumerProtocolMemberMetadata(cls.version, list(topics), cls.instance)

    @classmethod
    def assign(
        cls, cluster: ClusterMetadata, members: Mapping[str, ConsumerProtocolMemberMetadata]
    ) -> dict[str, ConsumerProtocolMemberAssignment]:
        """The same for the same instances, whatever their member ids."""
        ordered = {f"{(each.user_data or b'').hex()}|{id}": each for id, each in members.items()}
        assigned: dict[str, ConsumerProtocolMemberAssignment] = super().assign(cluster, ordered)
        return {key.partition("|")[2]: assignment for key, assignment in assigned.items()}


def assignor_for(instance: str | None) -> type[ByInstance]:
    """Of the member with this instance, for `partition_assignment_strategy`."""
    return type("ByThisInstance", (ByInstance,), {"instance": (instance or "").encode()})
