"""Prometheus and Grafana beside a stack: they scrape its processes and show the chart's own rules and dashboards."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from local_stack.failures import StackFailure
from local_stack.platform_processes import SERVICES, replicas_of
from local_stack.processes import ProcessSpec
from local_stack.readiness import LOOPBACK, answers

CHART_FILES = Path(__file__).resolve().parents[3] / "helm" / "usher" / "files"
RUNBOOKS = Path(__file__).resolve().parents[4] / "docs" / "operations" / "runbooks.md"
RUNBOOKS_MARK = "https://usher.example/operations/runbooks"
RULES = ("alerts.yaml", "slo-rules.yaml")

PROMETHEUS_STAGE, GRAFANA_STAGE = 4, 5
STANDS_BACK = 10
NAMESPACE = "local"
SCRAPE, EVALUATE, KEPT = "5s", "5s", "7d"
GRAFANA_HOMES = ("/usr/share/grafana", "/opt/grafana")


def cached_tools() -> Path:
    """Where `make prometheus` unpacks Debian's package."""
    cache = Path(os.environ.get("USHER_CACHE") or Path.home() / ".cache" / "usher")
    return cache / "prometheus"


def found(program: str) -> str | None:
    """`prometheus` or `promtool`: of the PATH, else what `make prometheus` has brought."""
    brought = cached_tools() / "usr" / "bin" / program
    return shutil.which(program) or (str(brought) if brought.exists() else None)


def require_prometheus() -> str:
    """Where it is. StackFailure with what to do."""
    program = found("prometheus")
    if program is None:
        raise StackFailure(
            "Prometheus is not here: install it (Debian: apt-get install prometheus), or `make prometheus` to unpack "
            f"Debian's package into {cached_tools()} without installing it"
        )
    return program


def grafana_server() -> tuple[str, str] | None:
    """Grafana and its home, where both are here."""
    program = shutil.which("grafana-server") or shutil.which("grafana")
    if program is None:
        return None
    beside = Path(program).resolve().parent.parent
    homes = [os.environ.get("GF_PATHS_HOME", ""), str(beside), *GRAFANA_HOMES]
    home = next((each for each in homes if each and (Path(each) / "conf" / "defaults.ini").exists()), None)
    return None if home is None else (program, home)


def observers(folder: Path, ports: Mapping[str, int], replicas: Mapping[str, int]) -> list[ProcessSpec]:
    """What `usher up --observe` starts."""
    grafana = grafana_server()
    processes = [prometheus(found("prometheus") or "prometheus", folder, ports, replicas)]
    return [*processes, *([_grafana(*grafana, folder, ports)] if grafana else [])]


def prometheus(program: str, folder: Path, ports: Mapping[str, int], replicas: Mapping[str, int]) -> ProcessSpec:
    """It reads what is written for it at each start, so that another release or number of replicas is watched too."""
    own = folder / "prometheus"

    def prepare() -> None:
        own.mkdir(parents=True, exist_ok=True)
        for name in RULES:
            groups = yaml.safe_load(_with_runbooks((CHART_FILES / name).read_text()))
            (own / name).write_text(yaml.safe_dump({"groups": groups}, sort_keys=False, width=200))
        (own / "prometheus.yml").write_text(yaml.safe_dump(scraping(ports, replicas), sort_keys=False))

    command = (
        *(program, f"--config.file={own / 'prometheus.yml'}", f"--storage.tsdb.path={own / 'data'}"),
        *(f"--storage.tsdb.retention.time={KEPT}", f"--web.listen-address={LOOPBACK}:{ports['prometheus']}"),
        "--log.level=warn",
    )
    return ProcessSpec(
        name="prometheus",
        command=command,
        ports={"prometheus": ports["prometheus"]},
        ready=answers(f"http://{LOOPBACK}:{ports['prometheus']}/-/ready"),
        stage=PROMETHEUS_STAGE,
        prepare=prepare,
        nice=STANDS_BACK,
    )


def scraping(ports: Mapping[str, int], replicas: Mapping[str, int]) -> dict[str, Any]:
    """The jobs and labels are those that the chart's ServiceMonitor gives."""

    def job(name: str, targets: list[int], path: str = "/metrics") -> dict[str, Any]:
        addresses = [f"{LOOPBACK}:{port}" for port in targets]
        configs = [{"targets": addresses, "labels": {"namespace": NAMESPACE}}]
        return {"job_name": name, "metrics_path": path, "static_configs": configs}

    services = [
        job(service, [ports[f"{name}_metrics"] for name in replicas_of(service, replicas)]) for service in SERVICES
    ]
    return {
        "global": {"scrape_interval": SCRAPE, "evaluation_interval": EVALUATE},
        "rule_files": list(RULES),
        "scrape_configs": [*services, job("gateway", [ports["gateway_admin"]], "/stats/prometheus")],
    }


def _grafana(program: str, home: str, folder: Path, ports: Mapping[str, int]) -> ProcessSpec:
    own = folder / "grafana"
    boards = own / "dashboards"

    def prepare() -> None:
        boards.mkdir(parents=True, exist_ok=True)
        for board in (CHART_FILES / "dashboards").glob("*.json"):
            (boards / board.name).write_text(_with_runbooks(board.read_text()))
        for name, document in provisioning(boards, ports).items():
            place = own / "provisioning" / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(json.dumps(document))  # JSON is YAML

    own_command = () if Path(program).name == "grafana-server" else ("server",)
    return ProcessSpec(
        name="grafana",
        command=(program, *own_command, "--homepath", home),
        ports={"grafana": ports["grafana"]},
        environment={
            "GF_PATHS_DATA": str(own / "data"),
            "GF_PATHS_LOGS": str(own / "logs"),
            "GF_PATHS_PLUGINS": str(own / "plugins"),
            "GF_PATHS_PROVISIONING": str(own / "provisioning"),
            "GF_SERVER_HTTP_ADDR": LOOPBACK,
            "GF_SERVER_HTTP_PORT": str(ports["grafana"]),
            "GF_AUTH_ANONYMOUS_ENABLED": "true",
            "GF_AUTH_ANONYMOUS_ORG_ROLE": "Admin",
            "GF_AUTH_DISABLE_LOGIN_FORM": "true",
            "GF_ANALYTICS_REPORTING_ENABLED": "false",
            "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
            "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": str(boards / "overview.json"),
        },
        ready=answers(f"http://{LOOPBACK}:{ports['grafana']}/api/health"),
        stage=GRAFANA_STAGE,
        prepare=prepare,
        nice=STANDS_BACK,
    )


def provisioning(boards: Path, ports: Mapping[str, int]) -> dict[str, Any]:
    """File below Grafana's provisioning folder → what stands in it."""
    source = {
        "name": "Prometheus", "type": "prometheus", "uid": "prometheus", "access": "proxy", "isDefault": True,
        "url": f"http://{LOOPBACK}:{ports['prometheus']}", "jsonData": {"timeInterval": SCRAPE},
    }  # fmt: skip
    provider = {"name": "Usher", "folder": "Usher", "type": "file", "options": {"path": str(boards)}}
    return {
        "datasources/prometheus.yaml": {"apiVersion": 1, "datasources": [source]},
        "dashboards/usher.yaml": {"apiVersion": 1, "providers": [provider]},
    }


def _with_runbooks(text: str) -> str:
    return text.replace(RUNBOOKS_MARK, RUNBOOKS.as_uri())
