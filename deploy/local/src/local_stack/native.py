"""Apache Kafka and Elasticsearch on Java 17: jars through Maven, a launcher compiled once, kept in a cache folder."""

import base64
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

from local_stack.failures import StackFailure
from local_stack.processes import ProcessSpec
from local_stack.readiness import LOOPBACK, accepts, answers

STAGE = 0
SOURCES = Path(__file__).resolve().parents[2] / "native"
JAVA = 17
OFF_CLASS_PATH = ("netty-", "transport-netty4", "elasticsearch-ssl-config")
"""Jars that Elasticsearch loads as a module of its own."""

KAFKA_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
num.partitions=4
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=4
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
"""

NETTY_DESCRIPTOR = """\
name=transport-netty4
description=HTTP and transport over netty
version={version}
java.version=17
elasticsearch.version={version}
classname=org.elasticsearch.transport.netty4.Netty4Plugin
"""


def require_java_and_maven() -> None:
    """Raise StackFailure, in one line, when this machine cannot run the native engines."""
    lacking = [name for name in ("java", "javac", "mvn") if shutil.which(name) is None]
    if lacking:
        raise StackFailure(
            f"native engines need a JDK {JAVA} and Maven; not found: {', '.join(lacking)} "
            "(on Debian: apt-get install openjdk-17-jdk-headless maven)"
        )
    told = subprocess.run([_java(), "-version"], capture_output=True, text=True, check=False)
    version = re.search(r'version "(\d+)', told.stderr + told.stdout)
    if version is None or int(version[1]) < JAVA:
        found = told.stderr.partition("\n")[0]
        raise StackFailure(f"native engines need a JDK {JAVA} or newer, `java` is {found}")


def kafka_and_elasticsearch(folder: Path, ports: Mapping[str, int]) -> list[ProcessSpec]:
    """One KRaft broker and one Elasticsearch node with their data under `folder`."""
    return [_kafka(folder / "kafka", ports), _elasticsearch(folder / "elasticsearch", ports)]


def kafka_jars() -> Path:
    """The folder with Apache Kafka, fetched when it is not there. StackFailure without Java or Maven."""
    require_java_and_maven()
    _built("kafka", lambda target: _copy_jars("kafka", target))
    return _cached("kafka")


def _kafka(folder: Path, ports: Mapping[str, int]) -> ProcessSpec:
    jars = _cached("kafka")
    properties = folder / "server.properties"

    def prepare() -> None:
        kafka_jars()
        folder.mkdir(parents=True, exist_ok=True)
        text = KAFKA_PROPERTIES.format(
            host=LOOPBACK, port=ports["kafka"], controller=ports["kafka_controller"], data=folder / "log"
        )
        properties.write_text(text)
        if not (folder / "log" / "meta.properties").exists():
            cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
            storage = ("kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(properties))
            _run(_java(), "-cp", f"{jars}/*", *storage)

    memory = ("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC")
    return ProcessSpec(
        name="kafka",
        command=(_java(), *memory, "-cp", f"{jars}/*", "kafka.Kafka", str(properties)),
        ports={name: ports[name] for name in ("kafka", "kafka_controller")},
        ready=accepts(ports["kafka"]),
        stage=STAGE,
        prepare=prepare,
        ready_within=90,
        stop_within=30,
    )


def _elasticsearch(folder: Path, ports: Mapping[str, int]) -> ProcessSpec:
    home = _cached("elasticsearch")

    def prepare() -> None:
        _built("elasticsearch", _build_elasticsearch)
        (folder / "temporary").mkdir(parents=True, exist_ok=True)

    memory = ("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", f"-Djava.io.tmpdir={folder / 'temporary'}")
    where = (str(home), str(folder / "data"), str(ports["elasticsearch"]), str(ports["elasticsearch_transport"]))
    return ProcessSpec(
        name="elasticsearch",
        command=(_java(), *memory, "-cp", f"{home}/classes:{home}/jars/*", "usher.local.SingleNode", *where),
        ports={name: ports[name] for name in ("elasticsearch", "elasticsearch_transport")},
        # Yellow: every index has a primary that answers, also right after a restart.
        ready=answers(f"http://{LOOPBACK}:{ports['elasticsearch']}/_cluster/health?wait_for_status=yellow&timeout=1s"),
        stage=STAGE,
        prepare=prepare,
        ready_within=90,
        stop_within=30,
    )


def _build_elasticsearch(home: Path) -> None:
    sources = SOURCES / "elasticsearch"
    everything, jars, netty, own = (
        home / part for part in ("all", "jars", "modules/transport-netty4", "modules/usher")
    )
    for made in (jars, netty, own, home / "plugins", home / "lib", home / "bin", home / "config"):
        made.mkdir(parents=True)
    _copy_jars("elasticsearch", everything)
    version = next(
        match[1] for jar in everything.iterdir() if (match := re.match(r"elasticsearch-([\d.]+)\.jar", jar.name))
    )
    for jar in everything.iterdir():
        shutil.move(jar, netty if jar.name.startswith(OFF_CLASS_PATH) else jars)
    everything.rmdir()
    (netty / "plugin-descriptor.properties").write_text(NETTY_DESCRIPTOR.format(version=version))
    shutil.copy(sources / "plugin" / "plugin-descriptor.properties", own)
    _compile(sources / "launcher", home / "classes", f"{jars}/*")
    with tempfile.TemporaryDirectory() as classes:
        _compile(sources / "plugin", Path(classes), f"{jars}/*")
        archive = shutil.make_archive(str(own / "usher-local"), "zip", classes)
        Path(archive).rename(own / "usher-local.jar")


def _compile(sources: Path, target: Path, class_path: str) -> None:
    files = [str(path) for path in sorted(sources.rglob("*.java"))]
    _run(str(shutil.which("javac")), "-nowarn", "-d", str(target), "-cp", class_path, *files)


def _copy_jars(engine: str, target: Path) -> None:
    goal = ("dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={target}")
    _run(str(shutil.which("mvn")), "-q", "-B", "-f", str(SOURCES / engine / "pom.xml"), *goal)


def _cached(engine: str) -> Path:
    """Where an engine is kept; the name carries a digest of its sources, so that a change makes a new one."""
    digest = hashlib.sha256()
    for path in sorted((SOURCES / engine).rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(SOURCES).as_posix().encode() + path.read_bytes())
    cache = Path(os.environ.get("USHER_CACHE") or Path.home() / ".cache" / "usher")
    return cache / "native" / f"{engine}-{digest.hexdigest()[:12]}"


def _built(engine: str, build: Callable[[Path], None]) -> None:
    """Build into the cache unless it is there; an interrupted build leaves nothing that looks finished."""
    target = _cached(engine)
    if target.exists():
        return
    require_java_and_maven()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        fresh = Path(scratch) / engine
        fresh.mkdir()
        build(fresh)
        if not target.exists():
            fresh.rename(target)


def _java() -> str:
    return shutil.which("java") or "java"


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).splitlines()[-12:])
        raise StackFailure(f"{Path(command[0]).name} failed while the native engines were made ready\n{said}")
