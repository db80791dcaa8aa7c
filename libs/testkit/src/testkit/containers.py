"""MongoDB, Apache Kafka and Elasticsearch in containers for tests; skips with the reason without a Docker engine."""

import gc
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import httpx
import pytest
from docker.errors import DockerException
from testcontainers.core.container import DockerContainer
from testcontainers.core.docker_client import DockerClient

from event_backbone import BrokerUnavailable, KafkaBroker
from testkit.noida import free_port
from testkit.on_demand import OnDemand, completed

MONGO = "mongo:8.0"
KAFKA = "apache/kafka:4.1.0"
ELASTICSEARCH = "elasticsearch:8.19.4"
PATIENCE_SECONDS = 180.0
BECOME_PRIMARY = """
try { rs.status() } catch (e) { rs.initiate({_id: 'usher', members: [{_id: 0, host: 'localhost:27017'}]}) }
quit(db.hello().isWritablePrimary ? 0 : 1)
"""


def docker_host() -> str:
    """Where published ports are reached; skips the test when no Docker engine answers."""
    host, reason = _docker()
    if reason:
        pytest.skip(f"no Docker engine answers: {reason}")
    return host


@cache
def _docker() -> tuple[str, str]:
    """The host, or why there is none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            client = DockerClient()
            client.client.ping()
            host = client.host()
            client.client.close()
        except (DockerException, OSError) as error:
            host, reason = "", str(error)
        else:
            reason = ""
        gc.collect()  # a client that finds no engine leaves its sockets behind
    return host, reason


class Container:
    """One engine in a container, on a port of the host that stays the same when it is ended and started again."""

    def __init__(self, image: str, ports: tuple[int, int], ready: "Callable[[Container], bool]", **change: Any) -> None:
        self._image, self._ports, self._ready = image, ports, ready
        self._environment: Mapping[str, str] = change.get("environment", {})
        self._command: Sequence[str] = change.get("command", ())
        self._container: DockerContainer | None = None
        self.address: str = change["address"]

    @property
    def uri(self) -> str:
        """The address, as a database calls it."""
        return self.address

    def start(self) -> None:
        """Start it, with its data if it ran before, and wait until it serves; TimeoutError with its last words."""
        if self._container is None:
            inside, outside = self._ports
            container = DockerContainer(self._image).with_bind_ports(inside, outside).with_envs(**self._environment)
            self._container = (container.with_command(list(self._command)) if self._command else container).start()
        else:
            self._container.get_wrapped_container().start()
        give_up = time.monotonic() + PATIENCE_SECONDS
        while not self._ready(self):
            if self._status() == "exited" or time.monotonic() > give_up:
                said = b"".join(self._container.get_logs()).decode("utf-8", "replace")
                raise TimeoutError(f"{self._image} did not start:\n{said[-2000:]}")
            time.sleep(0.2)

    def run(self, *command: str) -> bool:
        """Run a command inside; whether it succeeded."""
        assert self._container is not None
        try:
            return self._container.exec(list(command)).exit_code == 0
        except DockerException:  # it does not run yet, or no longer
            return False

    def kill(self) -> None:
        """End it with signal 9; its data stays."""
        if self._container is not None and self._status() == "running":
            self._container.get_wrapped_container().kill()
            self._container.get_wrapped_container().wait()

    def stop(self) -> None:
        """End it in order; its data stays."""
        if self._container is not None:
            self._container.get_wrapped_container().stop(timeout=20)

    def wipe(self) -> None:
        """Remove it with its data."""
        if self._container is not None:
            self._container.stop()
            self._container = None

    def _status(self) -> str:
        assert self._container is not None
        wrapped = self._container.get_wrapped_container()
        wrapped.reload()
        return str(wrapped.status)


@contextmanager
def mongo_container() -> Iterator[Container]:
    """A running replica set of one node; removed at the end."""
    host, port = docker_host(), free_port()
    container = Container(
        MONGO,
        (27017, port),
        lambda it: it.run("mongosh", "--quiet", "--eval", BECOME_PRIMARY),
        command=("mongod", "--replSet", "usher", "--bind_ip_all"),
        # The node knows itself by a name that only holds inside, so the client must not look for other members.
        address=f"mongodb://{host}:{port}/?directConnection=true",
    )
    try:
        container.start()
        yield container
    finally:
        container.wipe()


@contextmanager
def kafka_elastic_containers() -> Iterator[OnDemand]:
    """A broker and an index, each started when its address is asked for; removed at the end."""
    host = docker_host()
    engine = OnDemand(_kafka(host, free_port()), _elasticsearch(host, free_port()))
    try:
        yield engine
    finally:
        engine.wipe()


def _kafka(host: str, port: int) -> Container:
    address = f"{host}:{port}"
    settings = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": "1@localhost:9093",
        "listeners": f"PLAINTEXT://:{port},CONTROLLER://:9093",
        "advertised.listeners": f"PLAINTEXT://{address}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
        "broker.session.timeout.ms": "2000",
        "broker.heartbeat.interval.ms": "500",
    }
    environment = {f"KAFKA_{name.upper().replace('.', '_')}": value for name, value in settings.items()}
    environment["KAFKA_HEAP_OPTS"] = "-Xms256m -Xmx512m"

    def ready(_container: Container) -> bool:
        try:
            completed(KafkaBroker(address, timeout=2.0).ensure_topics({}))
        except BrokerUnavailable:
            return False
        return True

    return Container(KAFKA, (port, port), ready, environment=environment, address=address)


def _elasticsearch(host: str, port: int) -> Container:
    address = f"http://{host}:{port}"
    environment = {
        "discovery.type": "single-node",
        "xpack.security.enabled": "false",
        "cluster.routing.allocation.disk.threshold_enabled": "false",
        "ES_JAVA_OPTS": "-Xms512m -Xmx512m",
    }

    def ready(_container: Container) -> bool:
        health = f"{address}/_cluster/health?wait_for_status=yellow&timeout=1s"
        try:
            return httpx.get(health, timeout=5).is_success
        except httpx.HTTPError:
            return False

    return Container(ELASTICSEARCH, (9200, port), ready, environment=environment, address=address)
