"""Starting, adopting, reviving and stopping processes, tried on small dummy servers."""

import asyncio
import os
import socket
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from local_stack import lifecycle
from local_stack.failures import PortTaken, ProcessFailed, StackFailure
from local_stack.inspection import inspect
from local_stack.lifecycle import log_of, start_all, stop_all
from local_stack.ports import choose_ports, is_free
from local_stack.processes import SAME_START_SECONDS, ProcessRecord, ProcessSpec, kill, moment_of_start
from local_stack.readiness import accepts
from local_stack.state import StackState, read_state

SERVER = """
import signal, socket, sys
{before}
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("listening on", sys.argv[1], flush=True)
while True:
    connection, _ = server.accept()
    connection.close()
"""


def dummy(name, port, *, stage=0, before="", **settings):
    return ProcessSpec(
        name=name,
        command=(sys.executable, "-c", SERVER.format(before=before), str(port)),
        ports={name: port},
        ready=accepts(port),
        stage=stage,
        **settings,
    )


def empty(ports):
    return StackState(engines="embedded", ports=ports)


@pytest.fixture
def ports():
    return choose_ports(["first", "second", "third"])


@pytest.fixture
async def started(tmp_path):
    """Starts processes in tmp_path and ends whatever still runs there after the test."""
    states = []

    async def start(specs, state, progress=lifecycle.silent):
        states.append(state)
        states.append(await start_all(tmp_path, specs, state, progress))
        return states[-1]

    yield start
    if (tmp_path / "stack.json").exists():
        await stop_all(read_state(tmp_path))


async def test_everything_is_ready_after_a_start_and_gone_after_a_stop(tmp_path, ports, started):
    specs = [dummy("first", ports["first"]), dummy("second", ports["second"], stage=1)]
    state = await started(specs, empty(ports))
    assert not any(is_free(ports[name]) for name in ("first", "second"))
    assert state.ready_seconds is not None
    assert f"listening on {ports['first']}" in log_of(tmp_path, "first").read_text()
    assert await stop_all(read_state(tmp_path)) == {"first": "stopped", "second": "stopped"}
    assert all(is_free(port) for port in ports.values())


async def test_a_second_start_keeps_what_runs_and_revives_only_what_was_killed(tmp_path, ports, started):
    specs = [dummy("first", ports["first"]), dummy("second", ports["second"])]
    before = await started(specs, empty(ports))
    await kill(before.processes["first"])
    changes = []
    after = await started(specs, read_state(tmp_path), lambda name, phase, _: changes.append((name, phase)))
    assert after.processes["second"] == before.processes["second"]
    assert after.processes["first"].pid != before.processes["first"].pid
    assert ("second", "running") in changes
    assert ("first", "starting") in changes


async def test_a_process_that_stands_back_does_so_with_all_of_its_threads(tmp_path, ports, started):
    state = await started([dummy("first", ports["first"], nice=10), dummy("second", ports["second"])], empty(ports))
    found = {name: psutil.Process(state.processes[name].pid) for name in ("first", "second")}
    assert found["first"].nice() == found["second"].nice() + 10
    group = Path(f"/proc/{found['first'].pid}/autogroup")
    if group.exists() and (weighed := group.read_text()):  # empty where sessions are not weighed against each other
        assert weighed.split()[-1] == "10"


async def test_later_stages_start_after_and_stop_before_earlier_ones(ports, started):
    order = []

    def note(name, phase, _detail):
        if phase in {"starting", "ready", "stopped"}:
            order.append((name, phase))

    specs = [dummy("second", ports["second"], stage=1), dummy("first", ports["first"], stage=0)]
    state = await started(specs, empty(ports), note)
    await stop_all(state, note)
    assert order.index(("first", "ready")) < order.index(("second", "starting"))
    assert order.index(("second", "stopped")) < order.index(("first", "stopped"))


async def test_a_process_that_ends_while_starting_is_reported_with_its_last_words(ports, started):
    spec = dummy("first", ports["first"], before="sys.exit('the licence has run out')")
    with pytest.raises(ProcessFailed, match="first ended while starting.*\n.*the licence has run out"):
        await started([spec], empty(ports))


async def test_a_process_that_never_gets_ready_is_reported_within_its_bound(ports, started):
    spec = dummy("first", ports["first"], before="import time; time.sleep(60)", ready_within=0.3)
    with pytest.raises(ProcessFailed, match="was not ready within 0 s: port .* does not accept"):
        await started([spec], empty(ports))


async def test_a_command_that_does_not_exist_is_reported_in_one_line(ports, started):
    spec = replace(dummy("first", ports["first"]), command=("/nonexistent/engine",))
    with pytest.raises(ProcessFailed, match="first cannot be started: .*No such file"):
        await started([spec], empty(ports))


async def test_a_preparation_that_fails_leaves_nothing_half_started(ports, started):
    def fail():
        raise StackFailure("no network")

    state = empty(ports)
    starting = []
    with pytest.raises(StackFailure, match="no network"):
        await started(
            [dummy("first", ports["first"]), dummy("second", ports["second"], prepare=fail)],
            state,
            lambda name, phase, _: starting.append((name, phase)),
        )
    assert ("first", "starting") not in starting


async def test_a_taken_port_is_refused_with_its_holder_and_nothing_is_started(ports, started):
    with socket.create_server(("127.0.0.1", ports["first"])):
        with pytest.raises(PortTaken, match=rf"port {ports['first']} of first is taken by .*pid {os.getpid()}"):
            await started([dummy("first", ports["first"])], empty(ports))


async def test_a_process_that_ignores_sigterm_is_killed_after_its_bound(ports, started):
    deaf = dummy("first", ports["first"], before="signal.signal(signal.SIGTERM, signal.SIG_IGN)", stop_within=0.3)
    state = await started([deaf], empty(ports))
    assert await stop_all(state) == {"first": "killed after 0 s"}
    assert is_free(ports["first"])


@pytest.mark.skipif(sys.platform != "linux", reason="only there the start of a process moves with the clock")
async def test_a_process_is_still_known_after_the_clock_was_set(ports, started, monkeypatch):
    """A laptop that slept, or a virtual machine that went on elsewhere: `down` left everything running."""
    state = await started([dummy("first", ports["first"])], empty(ports))
    boot, began = psutil.boot_time, psutil.Process.create_time
    with monkeypatch.context() as later:
        later.setattr(psutil, "boot_time", lambda: boot() + 3600.0)
        later.setattr(psutil.Process, "create_time", lambda process: began(process) + 3600.0)
        assert await stop_all(state) == {"first": "stopped"}
    assert is_free(ports["first"])


async def test_what_runs_is_told_with_how_long_it_has(ports, started):
    began, specs = time.monotonic(), [dummy("first", ports["first"])]
    (row,) = (await inspect(specs, await started(specs, empty(ports)))).processes
    assert row.health == "SERVING"
    assert 0 <= row.uptime_seconds <= time.monotonic() - began + SAME_START_SECONDS


async def test_a_pid_that_now_belongs_to_another_process_is_never_touched(ports):
    """INVARIANT: down signals only processes that up started."""
    stranger = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE)
    try:
        created = moment_of_start(psutil.Process(stranger.pid))
        arguments = ("-c", "input()")
        real = ProcessRecord(
            name="x", pid=stranger.pid, created=created, arguments=arguments, port=1, stage=0, stop_within=1
        )
        assert real.find() is not None
        for reused in (replace(real, created=created - 60), replace(real, arguments=("-m", "booking_service"))):
            outcome = await stop_all(replace(empty(ports), processes={"x": reused}))
            assert outcome == {"x": "was not running"}
        assert stranger.returncode is None
    finally:
        stranger.stdin.close()
        await stranger.wait()
