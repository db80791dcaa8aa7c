"""Envoy in front of the services, over the configuration that the charts render too."""

import os
from collections.abc import Mapping
from pathlib import Path

from gateway_config import TEMPLATE, assemble_site, descriptor_image, render_gateway, replicated, with_traces
from local_stack.embedded import installed_script
from local_stack.platform_processes import SERVICES, Traces, public_url, replicas_of
from local_stack.processes import ProcessSpec
from local_stack.readiness import LOOPBACK, NotReady, fetched

STAGE = 3
HEAP_BYTES = 1 << 30
LOCAL_ORIGINS = r"^https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$"


def gateway(
    folder: Path, ports: Mapping[str, int], replicas: Mapping[str, int], traces: Traces | None = None
) -> ProcessSpec:
    """The one port the world talks to."""
    configuration = folder / "gateway" / "envoy.yaml"

    def prepare() -> None:
        assemble_site(folder / "gateway" / "site")
        template = TEMPLATE.read_text()
        for name, count in replicas.items():
            template = replicated(template, name, count)
        rendered = render_gateway(template, gateway_values(folder, ports, replicas))
        configuration.write_text(with_traces(rendered, traces.endpoint, traces.ratio) if traces else rendered)

    command = (
        *(installed_script("envoy"), "-c", str(configuration)),
        *("--disable-hot-restart", "--concurrency", str(min(4, os.cpu_count() or 1)), "--log-level", "warning"),
    )
    return ProcessSpec(
        name="gateway",
        command=command,
        ports={"gateway": ports["gateway"], "gateway_admin": ports["gateway_admin"]},
        ready=lambda: _ready(f"http://{LOOPBACK}:{ports['gateway_admin']}"),
        stage=STAGE,
        prepare=prepare,
    )


async def _ready(admin: str) -> None:
    """Live, and in possession of the keys that verify tokens: before that every signed-in call would be refused."""
    await fetched(f"{admin}/ready")
    statistics = await fetched(f"{admin}/stats?filter=jwks_fetch_success")
    if not any(int(line.rpartition(":")[2]) for line in statistics.splitlines()):
        raise NotReady("has not fetched the keys of the user service yet")


def gateway_values(folder: Path, ports: Mapping[str, int], replicas: Mapping[str, int]) -> dict[str, str]:
    """What the placeholders of the template stand for on one machine; one client is expected, so its limit is wide."""
    values = {
        "ADMIN_PORT": str(ports["gateway_admin"]),
        "LISTEN_ADDRESS": LOOPBACK,
        "LISTEN_PORT": str(ports["gateway"]),
        "TRUSTED_HOPS": "0",
        "ACCESS_LOG": str(folder / "logs" / "access.log"),
        "ALLOWED_ORIGINS": LOCAL_ORIGINS,
        "SITE_FOLDER": str(folder / "gateway" / "site"),
        "REQUEST_BURST": "20000",
        "REQUESTS_PER_SECOND": "10000",
        "ACCOUNT_BURST": "100000",
        "ACCOUNT_REQUESTS_PER_MINUTE": "100000",
        "HEAP_BYTES": str(HEAP_BYTES),
        "TOKEN_ISSUER": public_url(ports),
        "DESCRIPTORS": str(descriptor_image()),
    }
    for name in (process for service in SERVICES for process in replicas_of(service, replicas)):
        place = name.upper().replace("-", "_")
        values[f"{place}_HOST"] = LOOPBACK
        values[f"{place}_PORT"] = str(ports[name])
    return values
