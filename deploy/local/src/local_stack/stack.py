"""One local stack: everything under one data folder, opened by the command line and by tests."""

import asyncio
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from local_stack import embedded, lifecycle, native, observing, platform_processes, processes
from local_stack.failures import NoStack, StackFailure
from local_stack.gateway import gateway
from local_stack.lifecycle import Progress, silent
from local_stack.platform_processes import Traces, replicas_of
from local_stack.ports import choose_ports
from local_stack.processes import ProcessSpec
from local_stack.readiness import LOOPBACK
from local_stack.state import Engines, StackState, locked, read_state, secrets_of, write_state

GATEWAY_PORT = 8080
"""Tried first for a stack in the default folder, so that addresses in the documentation work as they stand."""


MOST_REPLICAS = 8


def port_names(replicas: Mapping[str, int] | None = None) -> list[str]:
    """Every port a stack uses, in the order in which --port-base counts them."""
    own = ["gateway", "gateway_admin", "mongodb", "kafka", "elasticsearch", "smtp", "sandbox"]
    native = ["kafka_controller", "elasticsearch_transport"]
    observing = ["prometheus", "grafana"]
    services = [port for name in platform_processes.SERVICES for port in (name, f"{name}_metrics")]
    more = [name for service in platform_processes.SERVICES for name in replicas_of(service, replicas or {})[1:]]
    return [*own, *services, *native, *observing, *(port for name in more for port in (name, f"{name}_metrics"))]


def workspace() -> Path:
    """The checkout this package runs from."""
    return Path(__file__).resolve().parents[4]


def default_folder() -> Path:
    """USHER_DATA, else `var/local` of the checkout."""
    return Path(os.environ.get("USHER_DATA") or workspace() / "var" / "local").resolve()


@dataclass(frozen=True, slots=True)
class Stack:
    """The stack that lives in `folder`; every method reads what is known from there, so many of these may exist."""

    folder: Path

    async def up(
        self,
        *,
        engines: Engines | None = None,
        port_base: int | None = None,
        preferred: Mapping[str, int] | None = None,
        replicas: Mapping[str, int] | None = None,
        observe: bool | None = None,
        only: Collection[str] = (),
        environment: Mapping[str, Mapping[str, str]] | None = None,
        traces: Traces | None = None,
        progress: Progress = silent,
    ) -> StackState:
        """Start what is not running and wait until everything serves; `only` names processes to leave it at.

        environment: process → more variables for it; traces: where services and gateway send them. Both are for what
        this call starts, and not kept. observe: with Prometheus, and with Grafana where it is here; kept until it is
        said otherwise.

        `engines`, ports and `replicas` (service → how many processes, 1 where not named) are decided by the first start
        and kept; asking for other engines later is refused, other ports and numbers are taken over only while nothing
        runs. Raises StackFailure.
        """
        with locked(self.folder):
            if engines == "native":
                native.require_java_and_maven()
            if observe:
                observing.require_prometheus()
            state = self._prepared(engines, port_base, preferred, _checked(replicas))
            if observe is not None and observe != state.observed:
                state = replace(state, observed=observe)
                write_state(self.folder, state)
            specs = [
                replace(spec, environment={**spec.environment, **(environment or {}).get(spec.name, {})})
                for spec in plan(self.folder, state, traces)
                if not only or spec.name in only
            ]
            return await lifecycle.start_all(self.folder, specs, state, progress)

    async def down(self, progress: Progress = silent) -> Mapping[str, str]:
        """Stop all processes of this stack and no others; how each ended, by name."""
        state = read_state(self.folder)
        with locked(self.folder):
            return await lifecycle.stop_all(state, progress)

    async def kill(self, *names: str) -> None:
        """End processes as a crash would (SIGKILL) and wait until they are gone; for tests and drills."""
        recorded = self.state().processes
        await asyncio.gather(*(processes.kill(recorded[name]) for name in names))

    def state(self) -> StackState:
        """What was started here; raises NoStack."""
        return read_state(self.folder)

    def specs(self) -> Sequence[ProcessSpec]:
        """What belongs to this stack, running or not; raises NoStack."""
        return plan(self.folder, self.state())

    def url(self) -> str:
        """The gateway's address."""
        return f"http://{LOOPBACK}:{self.state().ports['gateway']}"

    def mail(self) -> Path:
        """The folder in which the mail catcher keeps messages."""
        return self.folder / "mail"

    def _prepared(
        self,
        engines: Engines | None,
        port_base: int | None,
        preferred: Mapping[str, int] | None,
        replicas: Mapping[str, int] | None,
    ) -> StackState:
        try:
            state = read_state(self.folder)
        except NoStack:
            ports = choose_ports(port_names(replicas), base=port_base, preferred=preferred)
            state = StackState(engines=engines or "embedded", ports=ports, replicas=replicas or {})
            write_state(self.folder, state)
            return state
        if engines is not None and engines != state.engines:
            raise StackFailure(
                f"the stack in {self.folder} holds its data in {state.engines} engines: "
                f"start another with --data DIR --engines {engines}"
            )
        runs = any(record.find() for record in state.processes.values())
        if replicas is not None and replicas != state.replicas:
            if runs:
                raise StackFailure("the number of replicas changes only while nothing runs: `usher down` first")
            state = replace(state, replicas=replicas)
        absent = [name for name in port_names(state.replicas) if name not in state.ports]
        if port_base is not None and state.ports["gateway"] != port_base:
            if runs:
                raise StackFailure("ports change only while nothing runs: `usher down` first")
            state = replace(state, ports=choose_ports(port_names(state.replicas), base=port_base))
        elif absent:
            state = replace(state, ports={**state.ports, **choose_ports(absent)})
        write_state(self.folder, state)
        return state


def _checked(replicas: Mapping[str, int] | None) -> Mapping[str, int] | None:
    for name, count in (replicas or {}).items():
        if name not in platform_processes.SERVICES or not 1 <= count <= MOST_REPLICAS:
            known = ", ".join(platform_processes.SERVICES)
            raise StackFailure(f"replicas are 1 to {MOST_REPLICAS} of one of {known}, not {name}={count}")
    return None if replicas is None else {name: count for name, count in replicas.items() if count > 1}


def plan(folder: Path, state: StackState, traces: Traces | None = None) -> list[ProcessSpec]:
    """Every process of the stack in `folder`, in the order in which they start."""
    ports, keys = state.ports, secrets_of(folder)
    if state.engines == "native":
        engines = native.kafka_and_elasticsearch(folder, ports)
    else:
        engines = [embedded.broker_and_index(folder, ports)]
    return [
        embedded.database(folder, ports),
        *engines,
        embedded.mail_catcher(folder, ports),
        platform_processes.sandbox(folder, ports),
        *(
            platform_processes.service(name, folder, ports, keys, traces)
            for service in platform_processes.SERVICES
            for name in replicas_of(service, state.replicas)
        ),
        gateway(folder, ports, state.replicas, traces),
        *(observing.observers(folder, ports, state.replicas) if state.observed else ()),
    ]
