"""The engines that come as Python packages: SecantusDB, noida-db (Kafka and Elasticsearch wire), a mail catcher."""

import os
import sys
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from local_stack.processes import ProcessSpec
from local_stack.readiness import LOOPBACK, accepts, answers

STAGE = 0


def installed_script(name: str) -> str:
    """The console script `name` of the environment this code runs in."""
    return str(Path(sys.executable).parent / name)


def database(folder: Path, ports: Mapping[str, int]) -> ProcessSpec:
    """A one-node replica set; `--sync-on-commit` because only then no acknowledged write is lost to kill -9.

    USHER_DATABASE_PROGRAM names another program with the same arguments, such as secantusd-rs.
    """
    other = os.environ.get("USHER_DATABASE_PROGRAM")
    program = (other,) if other else (sys.executable, "-P", "-m", "local_stack.embedded_database")
    command = (
        *(*program, "--port", str(ports["mongodb"])),
        *("--storage-path", str(folder / "mongodb"), "--sync-on-commit"),
    )
    return ProcessSpec(
        name="mongodb",
        command=command,
        ports={"mongodb": ports["mongodb"]},
        ready=accepts(ports["mongodb"]),
        stage=STAGE,
    )


def broker_and_index(folder: Path, ports: Mapping[str, int]) -> ProcessSpec:
    """One process for both wires; the package's own launcher would stay behind as its parent, so it is left out."""
    binary = Path(str(files("noida_db"))) / "noida-db"
    binary.chmod(0o755)
    command = (
        *(str(binary), "start", "--only", "kafka,elasticsearch", "--data-dir", str(folder / "noida")),
        *("--kafka-port", str(ports["kafka"]), "--elasticsearch-port", str(ports["elasticsearch"])),
    )

    async def ready() -> None:
        await accepts(ports["kafka"])()
        await answers(f"http://{LOOPBACK}:{ports['elasticsearch']}/")()

    return ProcessSpec(
        name="noida",
        command=command,
        ports={name: ports[name] for name in ("kafka", "elasticsearch")},
        ready=ready,
        stage=STAGE,
    )


def mail_catcher(folder: Path, ports: Mapping[str, int]) -> ProcessSpec:
    """An SMTP server that keeps what it is sent as files."""
    command = (
        *(sys.executable, "-P", "-m", "local_stack.mail_catcher"),
        *("--port", str(ports["smtp"]), "--folder", str(folder / "mail")),
    )
    return ProcessSpec(
        name="mail",
        command=command,
        ports={"smtp": ports["smtp"]},
        ready=accepts(ports["smtp"]),
        stage=STAGE,
        nice=10,
    )
