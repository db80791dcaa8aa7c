"""Usher's own processes: seven services, the gateway sandbox, and the settings that tie them to the engines."""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local_stack.failures import StackFailure
from local_stack.processes import ProcessSpec
from local_stack.readiness import LOOPBACK, answers, serves

SERVICES = ("user", "event", "booking", "payment", "notification", "search", "analytics")
# What nobody waits for at the box office stands back where one machine has to do for all.
DOWNSTREAM, STANDS_BACK = ("notification", "analytics"), 10
SANDBOX_STAGE, SERVICE_STAGE = 1, 2
WEBHOOK_PATH = "/v1/webhooks/stripe"


@dataclass(frozen=True, slots=True)
class Traces:
    """Where spans go (OTLP over gRPC, http://host:port), and the share of requests (0…1) that leave some.

    Raises StackFailure for another kind of address.
    """

    endpoint: str
    ratio: float = 1.0

    def __post_init__(self) -> None:
        if not re.fullmatch(r"http://[^/:]+(:\d+)?/?", self.endpoint):
            raise StackFailure(f"traces go to http://host:port, not to {self.endpoint}")

    @property
    def environment(self) -> Mapping[str, str]:
        """What a service reads."""
        return {"USHER_OTLP_ENDPOINT": self.endpoint, "USHER_TRACE_RATIO": f"{self.ratio:g}"}


def replicas_of(service: str, replicas: Mapping[str, int]) -> list[str]:
    """Names of its processes: "booking", "booking-2", …"""
    return [service, *(f"{service}-{number}" for number in range(2, replicas.get(service, 1) + 1))]


def public_url(ports: Mapping[str, int]) -> str:
    """Where the gateway of this stack is reached; also the issuer of its tokens."""
    return f"http://{LOOPBACK}:{ports['gateway']}"


def gateways_file(folder: Path) -> Path:
    """The credentials that the sandbox has made for its merchant, gateway by gateway."""
    return folder / "sandbox" / "credentials.json"


def service(
    name: str, folder: Path, ports: Mapping[str, int], keys: Mapping[str, str], traces: Traces | None = None
) -> ProcessSpec:
    """One process of a service on its gRPC and metrics ports, ready when its health check says SERVING."""
    return ProcessSpec(
        name=name,
        command=(sys.executable, "-P", "-m", f"{name.partition('-')[0]}_service"),
        ports={name: ports[name], f"{name}_metrics": ports[f"{name}_metrics"]},
        environment={**environment_of(name, folder, ports, keys), **(traces.environment if traces else {})},
        ready=serves(ports[name]),
        stage=SERVICE_STAGE,
        nice=STANDS_BACK if name in DOWNSTREAM else 0,
    )


def environment_of(name: str, folder: Path, ports: Mapping[str, int], keys: Mapping[str, str]) -> dict[str, str]:
    """The USHER_* settings a service reads; every service gets the same ones but for its own ports."""
    return {
        "USHER_MONGODB_URI": f"mongodb://{LOOPBACK}:{ports['mongodb']}/?replicaSet=secantus",
        "USHER_KAFKA_BROKERS": f"{LOOPBACK}:{ports['kafka']}",
        "USHER_ELASTICSEARCH_URL": f"http://{LOOPBACK}:{ports['elasticsearch']}",
        "USHER_GRPC_HOST": LOOPBACK,
        "USHER_GRPC_PORT": str(ports[name]),
        "USHER_METRICS_PORT": str(ports[f"{name}_metrics"]),
        "USHER_JWKS_TARGET": f"{LOOPBACK}:{ports['user']}",
        "USHER_TOKEN_ISSUER": public_url(ports),
        "USHER_PUBLIC_URL": public_url(ports),
        "USHER_PAGE_TOKEN_KEY": keys["page_token_key"],
        "USHER_BOOKING_TARGET": f"{LOOPBACK}:{ports['booking']}",
        "USHER_PAYMENT_TARGET": f"{LOOPBACK}:{ports['payment']}",
        "USHER_GATEWAYS_FILE": str(gateways_file(folder)),
        "USHER_SMTP_HOST": LOOPBACK,
        "USHER_SMTP_PORT": str(ports["smtp"]),
        "USHER_MAIL_FROM": "Usher <tickets@usher.example>",
        # One event loop does all the work: more than two heaps for the threads beside it only cost memory. Large blocks
        # (argon2 takes 19 MiB a password) are given back to the system at once.
        "MALLOC_ARENA_MAX": "2",
        "MALLOC_MMAP_THRESHOLD_": "131072",
        "MALLOC_TRIM_THRESHOLD_": "131072",
        # The thread that hands over gRPC's calls also reads their sockets, as before gRPC 1.80: in its event engine
        # three threads pass each call on, which a lone booking waits for.
        "GRPC_EXPERIMENTS": "-event_engine_listener",
    }


def sandbox(folder: Path, ports: Mapping[str, int]) -> ProcessSpec:
    """The far ends of the payment gateways; their webhooks come in through the gateway, as a provider's would."""
    command = (
        *(sys.executable, "-P", "-m", "gateway_sandbox"),
        *("--port", str(ports["sandbox"]), "--data", str(folder / "sandbox")),
        *("--webhook-url", public_url(ports) + WEBHOOK_PATH),
    )
    return ProcessSpec(
        name="sandbox",
        command=command,
        ports={"sandbox": ports["sandbox"]},
        ready=answers(f"http://{LOOPBACK}:{ports['sandbox']}/_sandbox/health"),
        stage=SANDBOX_STAGE,
    )
