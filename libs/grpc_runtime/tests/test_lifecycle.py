"""How a service starts, says how it is, and ends."""

import asyncio
import dataclasses
import json
import os
import signal
import subprocess
import sys
import textwrap

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from access import SigningKey, StaticKeys
from domain_kit.refusals import Unavailable
from grpc_runtime import HealthCheck, Service, Worker, health
from grpc_runtime.health import LIVENESS, Health
from grpc_runtime.server import Server
from grpc_runtime.workers import Workers
from telemetry import Metrics
from testkit.calls import CallSettings, calls_to

NAME = "usher.jar.v1.JarService"
SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


async def status(calls, name=NAME):
    stub = health_pb2_grpc.HealthStub(calls.plain_channel)
    return (await stub.Check(health_pb2.HealthCheckRequest(service=name))).status


async def nothing() -> None:
    return None


async def broken() -> None:
    raise ConnectionError("gone")


async def test_a_call_costs_the_same_however_many_rpcs_a_service_has(monkeypatch, contract, service):
    """grpc's server waits for all rpcs that are registered with it at once, anew for each call."""
    waited_for = []

    async def wait(these, **options):
        waited_for.append(len(list(these)))
        return await wait_for_real(these, **options)

    wait_for_real = asyncio.wait
    monkeypatch.setattr(asyncio, "wait", wait)
    async with calls_to(service) as calls:
        assert (await contract.stub(calls.channel).PeekJar(contract.Jar(name="jars/a", grams=3))).grams == 3
        assert await status(calls) == SERVING
    assert max(waited_for, default=0) <= 2


async def test_health_follows_the_required_checks_and_only_those(contract, jars):
    present = True

    async def store() -> bool:
        return present

    service = Service(
        servicers=[(contract.add_to_server, jars)],
        health=[HealthCheck("mongodb", store), HealthCheck("kafka", broken, required=False)],
    )
    async with calls_to(service) as calls:
        assert [await status(calls), await status(calls, "")] == [SERVING, SERVING]
        present = False
        await calls.server.health.check_all()
        assert await status(calls) == SERVING, "one slow answer does not take a service out"
        await calls.server.health.check_all()
        assert await status(calls) == NOT_SERVING
        present = True
        await calls.server.health.check_all()
        assert await status(calls) == SERVING
        text = calls.metrics.text().decode()
        assert 'usher_health_check{check="mongodb"} 1.0' in text
        assert 'usher_health_check{check="kafka"} 0.0' in text


async def test_a_process_whose_store_is_away_is_alive_all_the_same(contract, jars):
    service = Service(servicers=[(contract.add_to_server, jars)], health=[HealthCheck("mongodb", broken)])
    async with calls_to(service) as calls:
        await calls.server.health.check_all()
        assert [await status(calls, ""), await status(calls, LIVENESS)] == [NOT_SERVING, SERVING]


async def test_a_service_that_starts_without_its_store_does_not_say_serving(contract, jars):
    service = Service(servicers=[(contract.add_to_server, jars)], health=[HealthCheck("mongodb", broken)])
    async with calls_to(service) as calls:
        assert await status(calls) == NOT_SERVING


async def test_a_check_that_hangs_counts_as_failed():
    health = Health([NAME], [HealthCheck("mongodb", asyncio.Event().wait)], tell=lambda *_: None, timeout=0.01)
    await health.start()
    assert not health.serving


async def test_reflection_lists_the_services(calls):
    stub = reflection_pb2_grpc.ServerReflectionStub(calls.plain_channel)
    stream = stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(list_services="")]))
    async for answer in stream:
        assert NAME in {each.name for each in answer.list_services_response.service}


async def test_an_rpc_without_an_access_rule_stops_the_start(contract, jars):
    service = Service(servicers=[(contract.add_open, jars)])
    with pytest.raises(ValueError, match=r"Anything has no usher\.access\.v1\.rule"):
        Server(service, CallSettings(), Metrics("test"), StaticKeys([SigningKey.generate()]))


async def test_a_taken_port_stops_the_start(calls, service):
    settings = CallSettings(port=int(calls.address.rpartition(":")[2]))
    server = Server(service, settings, Metrics("test"), StaticKeys([SigningKey.generate()]))
    with pytest.raises(RuntimeError):
        await server.start()


async def test_stopping_finishes_calls_under_way_then_workers_and_takes_no_new_call(contract, jars, service):
    order, release, stop_worker = [], asyncio.Event(), asyncio.Event()

    async def wait(request, context):
        await release.wait()
        order.append("call")
        return request

    async def batches() -> None:
        await stop_worker.wait()
        order.append("batch")

    def ask() -> None:
        order.append("asked")
        stop_worker.set()

    jars.behaviour = wait
    service = dataclasses.replace(service, workers=[Worker("relay", batches, ask)])
    async with calls_to(service) as calls:
        stub = contract.stub(calls.channel)
        watch = health_pb2_grpc.HealthStub(calls.plain_channel).Watch(health_pb2.HealthCheckRequest(service=NAME))
        assert (await watch.read()).status == SERVING
        under_way = asyncio.create_task(stub.PeekJar(contract.Jar(name="jars/a")))
        await jars.entered.wait()
        stopping = asyncio.create_task(calls.server.stop(5.0))
        assert (await watch.read()).status == NOT_SERVING
        with pytest.raises(Unavailable):
            await stub.PeekJar(contract.Jar(name="jars/a"), timeout=5)
        assert not stopping.done()
        release.set()
        assert (await under_way).name == "jars/a"
        async with asyncio.timeout(1.0):
            await stopping
        assert order == ["call", "asked", "batch"]


async def test_health_is_watched_by_so_many_and_no_more(service, monkeypatch):
    monkeypatch.setattr(health, "WATCHES", 2)
    async with calls_to(service) as calls:
        stub = health_pb2_grpc.HealthStub(calls.plain_channel)

        def watch():
            return stub.Watch(health_pb2.HealthCheckRequest(service=NAME), timeout=20)

        first, second = watch(), watch()
        assert [(await each.read()).status for each in (first, second)] == [SERVING, SERVING]
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await watch().read()
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert (await stub.Check(health_pb2.HealthCheckRequest(service=NAME))).status == SERVING
        first.cancel()
        # Who has gone makes room, as soon as the server hears of it.
        async with asyncio.timeout(10):
            while calls.server.health.servicer.watched == 2:
                await asyncio.sleep(0)
        assert (await watch().read()).status == SERVING


async def test_calls_that_do_not_finish_are_cut_off_in_time(contract, jars, service):
    async def wait(request, context):
        await asyncio.Event().wait()

    jars.behaviour = wait
    async with calls_to(service) as calls:
        under_way = contract.stub(calls.plain_channel).PeekJar(contract.Jar(name="jars/a"))
        await jars.entered.wait()
        async with asyncio.timeout(2.0):
            await calls.server.stop(0.3)
        with pytest.raises(grpc.aio.AioRpcError):
            await under_way


async def test_a_worker_that_dies_is_started_again_and_one_that_keeps_dying_makes_the_service_unhealthy(caplog):
    told, runs, settled = [], 0, asyncio.Event()

    async def run() -> None:
        nonlocal runs
        runs += 1
        if runs <= 3:
            raise ConnectionError("broker gone")
        await settled.wait()

    async def failing(name: str, is_failing: bool) -> None:
        told.append((name, is_failing))
        if not is_failing:
            settled.set()

    workers = Workers([Worker("relay", run)], failing=failing, first_wait=0.001, healthy_after=0.05)
    workers.start()
    await settled.wait()
    await workers.stop(1.0)
    assert told == [("relay", True), ("relay", False)]
    assert [record.message for record in caplog.records].count("worker died") == 3


async def test_a_worker_that_returns_by_itself_is_started_again():
    runs, twice = 0, asyncio.Event()

    async def run() -> None:
        nonlocal runs
        runs += 1
        if runs == 2:
            twice.set()

    workers = Workers([Worker("relay", run)], failing=lambda *_: nothing(), first_wait=0.001)
    workers.start()
    await twice.wait()
    await workers.stop(1.0)


async def test_a_worker_that_will_not_stop_is_cancelled():
    cancelled = asyncio.Event()

    async def run() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    workers = Workers([Worker("relay", run, lambda: None)], failing=lambda *_: nothing())
    workers.start()
    await asyncio.sleep(0)
    await workers.stop(0.01)
    assert cancelled.is_set()


PROGRAM = """
import asyncio, sys
from contextlib import asynccontextmanager
from access import SigningKey, StaticKeys
from grpc_runtime import Service, Worker, run
from testkit.calls import CallSettings

stop = asyncio.Event()

async def batches():
    print("worker runs", flush=True)
    await stop.wait()
    print("worker done", flush=True)

@asynccontextmanager
async def build(settings, metrics):
    if "{mode}" == "stuck":
        print("starting", flush=True)
        await asyncio.Event().wait()
    try:
        yield Service(servicers=[], workers=[Worker("w", batches, stop.set)], keys=StaticKeys([SigningKey.generate()]))
    finally:
        print("clients closed", flush=True)
        if "{mode}" == "hangs":
            await asyncio.Event().wait()

import grpc_runtime.process as module
module.CLOSING_SECONDS = 0.3
run(build, CallSettings(log_level="ERROR", drain_seconds=0.5))
"""


@pytest.mark.parametrize(
    ("mode", "first_line", "number", "code", "lines"),
    [
        ("plain", "worker runs", signal.SIGTERM, 0, ["worker done", "clients closed"]),
        ("plain", "worker runs", signal.SIGINT, 0, ["worker done", "clients closed"]),
        ("stuck", "starting", signal.SIGTERM, 0, []),
        ("hangs", "worker runs", signal.SIGTERM, 1, ["worker done", "clients closed"]),
    ],
)
def test_a_process_ends_in_order_on_a_signal_and_within_a_hard_bound(mode, first_line, number, code, lines):
    program = textwrap.dedent(PROGRAM.replace("{mode}", mode))
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=dict(os.environ),
    )
    with process:
        assert process.stdout.readline().strip() == first_line
        process.send_signal(number)
        said = [line for line in process.communicate(timeout=20)[0].splitlines() if not line.startswith("{")]
        assert (process.returncode, said) == (code, lines)


def test_a_start_that_fails_is_logged_and_exits_with_one():
    program = textwrap.dedent(PROGRAM.replace("{mode}", "plain")).replace(
        "keys=StaticKeys([SigningKey.generate()])", "keys=None"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1
    said = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert "jwks_target" in said[-1]["exception"]


def test_the_collector_leaves_alone_what_a_service_is_made_of():
    program = textwrap.dedent(PROGRAM.replace("{mode}", "plain"))
    program += "\nimport gc; print(gc.get_freeze_count() > 10_000, gc.get_threshold()[0] >= 10_000)"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline().strip() == "worker runs"
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=20)[0].splitlines()[-1] == "True True"
