"""What a service hands to the runtime: its servicers, workers and health checks."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from access import KeyCache, KeySource, OwnerOf
from access.decision import nothing_owned


@dataclass(frozen=True, slots=True)
class Worker:
    """Background work that should never end, for example a relay or a consumer.

    run: started as a task; when it raises or returns it is started again, later each time.
    stop: asks `run` to return after the batch in hand. Without it, or when it takes too long, the task is cancelled.
    """

    name: str
    run: Callable[[], Awaitable[object]]
    stop: Callable[[], Awaitable[object] | None] | None = None


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """A check of something the service uses. `check` raises or returns False when it is not there.

    required: without it the service says NOT_SERVING; otherwise only a metric tells.
    """

    name: str
    check: Callable[[], Awaitable[object]]
    required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """All parts of a running service. What they need closed is closed by the composition that yields it.

    servicers: pairs of a generated `add_…Servicer_to_server` and the servicer.
    owner_of: whose a resource is, asked for rpcs with a grant on names other than users/… and organizers/….
    keys: for the user service, which has its own; others fetch the key set from `jwks_target`.
    key_cache: keeps that key set over restarts.
    most_items: how many items all lists of a request may have together, by its full name, where 3000 are too few.
    stopping: told when the end begins, so that streams can be ended which would otherwise go on for ever.
    """

    servicers: Sequence[tuple[Callable[[Any, Any], None], Any]]
    workers: Sequence[Worker] = ()
    health: Sequence[HealthCheck] = ()
    owner_of: OwnerOf = nothing_owned
    keys: KeySource | None = None
    key_cache: KeyCache | None = None
    most_items: Mapping[str, int] = field(default_factory=dict)
    stopping: Callable[[], None] | None = None
