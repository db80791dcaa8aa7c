"""Who may see what is not public."""

from collections.abc import Callable

from access import Ownership, allows
from grpc_runtime import caller_of


def insider(context: object) -> Callable[[str], bool]:
    """Whether the caller reads the drafts of an organizer, as what `read_event` asks."""
    principal = caller_of(context)
    return lambda organizer: allows(principal, Ownership(organizer=organizer), permission="events.read")
