"""Real Apache Kafka and Elasticsearch under a stack: they serve, and keep what they acknowledged through kill -9."""

import json
import shutil
import urllib.request

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from local_stack import native
from local_stack.failures import StackFailure
from local_stack.stack import port_names
from local_stack.state import StackState

ENGINES = ("kafka", "elasticsearch")
MAPPING = {
    "settings": {
        "analysis": {
            "filter": {"beginnings": {"type": "edge_ngram", "min_gram": 2, "max_gram": 10}},
            "analyzer": {
                "folded": {"tokenizer": "standard", "filter": ["lowercase", "asciifolding", "beginnings"]},
            },
        }
    },
    "mappings": {"properties": {"title": {"type": "text", "analyzer": "folded", "search_analyzer": "standard"}}},
}


def call(method, url, body=None):
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data, {"content-type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


async def produced(brokers, value):
    producer = AIOKafkaProducer(bootstrap_servers=brokers, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        return await producer.send_and_wait("trial", value, partition=0)
    finally:
        await producer.stop()


async def read_from_the_start(brokers, count):
    consumer = AIOKafkaConsumer(bootstrap_servers=brokers)
    await consumer.start()
    try:
        consumer.assign([TopicPartition("trial", 0)])
        await consumer.seek_to_beginning()
        return [(await consumer.getone()).value for _ in range(count)]
    finally:
        await consumer.stop()


@pytest.mark.native
@pytest.mark.timeout(300)
async def test_native_engines_keep_what_they_acknowledged_through_kill_9(stacks):
    try:
        native.require_java_and_maven()
    except StackFailure as lacking:
        pytest.skip(str(lacking))
    stack = stacks()
    state = await stack.up(engines="native", only=ENGINES)
    index, brokers = f"http://127.0.0.1:{state.ports['elasticsearch']}", f"127.0.0.1:{state.ports['kafka']}"
    assert call("GET", index)["version"]["number"].startswith("8.19.")
    call("PUT", f"{index}/events", MAPPING)
    call("PUT", f"{index}/events/_doc/1", {"title": "Fête de la Musique"})
    await produced(brokers, b"first")
    await stack.kill(*ENGINES)
    await stack.up(only=ENGINES)
    call("POST", f"{index}/events/_refresh")
    query = {"query": {"match": {"title": "fet"}}}
    assert call("POST", f"{index}/events/_search", query)["hits"]["total"]["value"] == 1
    await produced(brokers, b"second")
    assert await read_from_the_start(brokers, 2) == [b"first", b"second"]


def test_a_machine_without_java_or_maven_is_told_in_one_line(monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(StackFailure, match="need a JDK 17 and Maven; not found: java, javac, mvn"):
        native.require_java_and_maven()


def test_native_engines_take_the_place_of_the_embedded_ones_on_the_same_ports(tmp_path):
    ports = {name: 30000 + index for index, name in enumerate(port_names())}
    specs = {spec.name: spec for spec in native.kafka_and_elasticsearch(tmp_path, ports)}
    assert specs["kafka"].port == ports["kafka"]
    assert specs["elasticsearch"].port == ports["elasticsearch"]
    assert StackState(engines="native", ports=ports).engines == "native"


def test_a_change_of_the_sources_makes_a_new_cache_entry(monkeypatch, tmp_path):
    monkeypatch.setattr(native, "SOURCES", tmp_path)
    monkeypatch.setenv("USHER_CACHE", str(tmp_path / "cache"))
    (tmp_path / "kafka").mkdir()
    (tmp_path / "kafka" / "pom.xml").write_text("one")
    before = native._cached("kafka")
    (tmp_path / "kafka" / "pom.xml").write_text("two")
    assert native._cached("kafka") != before


def test_an_interrupted_build_leaves_nothing_that_looks_finished(monkeypatch, tmp_path):
    monkeypatch.setenv("USHER_CACHE", str(tmp_path))

    def fail(target):
        (target / "half.jar").touch()
        raise StackFailure("no network")

    with pytest.raises(StackFailure):
        native._built("kafka", fail)
    assert not native._cached("kafka").exists()
