"""A stack in its folder: engines for real, ports and keys kept, two side by side, everything revived after kill -9."""

import smtplib
import stat
import subprocess
import sys
import urllib.request
from email.message import EmailMessage

import pytest

from local_stack.failures import NoStack, StackBusy, StackFailure
from local_stack.inspection import inspect
from local_stack.mail_folder import caught
from local_stack.platform_processes import Traces
from local_stack.stack import plan, port_names
from local_stack.state import StackState, locked, secrets_of

ENGINES = ("mongodb", "noida", "mail")


def message(message_id):
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "tickets@usher.example", "ana@example.org", "Your ticket"
    mail["Message-ID"] = message_id
    mail.set_content("See you there.")
    mail.add_attachment(b"BEGIN:VCALENDAR", maintype="text", subtype="calendar", filename="event.ics")
    return mail


def deliver(port, mail):
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.send_message(mail)


async def test_engines_answer_once_up_and_come_back_with_their_data_after_kill_9(stacks):
    stack = stacks()
    state = await stack.up(only=ENGINES)
    index = f"http://127.0.0.1:{state.ports['elasticsearch']}/"
    with urllib.request.urlopen(index) as answer:
        assert answer.status == 200
    deliver(state.ports["smtp"], message("<one@usher>"))
    await stack.kill(*ENGINES)
    again = await stack.up(only=ENGINES)
    assert again.ports == state.ports
    assert {record.pid for record in again.processes.values()}.isdisjoint(r.pid for r in state.processes.values())
    deliver(state.ports["smtp"], message("<one@usher>"))
    deliver(state.ports["smtp"], message("<two@usher>"))
    first, second = caught(stack.mail())
    assert (first.message_id, first.deliveries, first.attachments) == ("<one@usher>", 2, ("event.ics",))
    assert (second.message_id, second.deliveries, second.text) == ("<two@usher>", 1, "See you there.\n")


async def test_two_stacks_run_side_by_side_and_stopping_one_leaves_the_other(stacks):
    first, second = stacks("first"), stacks("second")
    first_state = await first.up(only=["mail"])
    second_state = await second.up(only=["mail"])
    assert first_state.ports["smtp"] != second_state.ports["smtp"]  # what is not started yet holds no port
    await first.down()
    status = await inspect([spec for spec in second.specs() if spec.name == "mail"], second.state())
    assert status.serving
    assert status.resident_bytes() > 0


async def test_ports_count_up_from_a_base_and_may_be_moved_while_nothing_runs(stacks):
    stack = stacks()
    await stack.up(port_base=31000, only=["mail"])
    assert stack.state().ports["gateway"] == 31000
    assert sorted(stack.state().ports.values()) == list(range(31000, 31000 + len(port_names())))
    with pytest.raises(StackFailure, match="only while nothing runs"):
        await stack.up(port_base=31100, only=["mail"])
    await stack.down()
    state = await stack.up(port_base=31100, only=["mail"])
    assert state.ports["gateway"] == 31100


async def test_a_stack_keeps_its_kind_of_engines(stacks):
    stack = stacks()
    await stack.up(only=["mail"])
    with pytest.raises(StackFailure, match="holds its data in embedded engines"):
        await stack.up(engines="native", only=["mail"])


async def test_a_service_gets_as_many_processes_as_asked_for_and_keeps_them(stacks):
    stack = stacks()
    await stack.up(replicas={"booking": 2}, only=["mail"])
    await stack.up(only=["mail"])
    with pytest.raises(StackFailure, match="only while nothing runs"):
        await stack.up(replicas={"booking": 3}, only=["mail"])
    first, second = (spec for spec in stack.specs() if spec.name.startswith("booking"))
    assert (first.name, second.name) == ("booking", "booking-2")
    assert first.command == second.command
    assert not set(first.ports.values()) & set(second.ports.values())
    settings = [dict(each.environment) for each in (first, second)]
    for each in settings:
        each.pop("USHER_GRPC_PORT"), each.pop("USHER_METRICS_PORT")
    assert settings[0] == settings[1]
    gateway = next(spec for spec in stack.specs() if spec.name == "gateway")
    gateway.prepare()
    configuration = (stack.folder / "gateway" / "envoy.yaml").read_text()
    assert all(f"port_value: {each.port}}}" in configuration for each in (first, second))
    await stack.down()
    await stack.up(replicas={}, only=["mail"])
    assert [spec.name for spec in stack.specs() if spec.name.startswith("booking")] == ["booking"]


@pytest.mark.parametrize("replicas", [{"booking": 0}, {"booking": 9}, {"gateway": 2}])
async def test_replicas_of_what_cannot_have_them_are_refused(stacks, replicas):
    with pytest.raises(StackFailure, match="replicas are 1 to 8"):
        await stacks().up(replicas=replicas, only=["mail"])


def test_keys_are_made_once_and_readable_by_their_owner_only(tmp_path):
    keys = secrets_of(tmp_path)
    assert secrets_of(tmp_path) == keys
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600
    assert len(keys["page_token_key"]) >= 32


async def test_a_command_on_a_stack_that_another_is_changing_is_refused(stacks):
    stack = stacks()
    with locked(stack.folder), pytest.raises(StackBusy):
        await stack.up(only=["mail"])


async def test_a_folder_without_a_stack_says_how_to_start_one(stacks):
    with pytest.raises(NoStack, match="usher up"):
        await stacks().down()


async def test_a_damaged_state_file_is_told_and_not_overwritten(stacks):
    stack = stacks("damaged")
    stack.folder.mkdir()
    (stack.folder / "stack.json").write_text("{")
    with pytest.raises(StackFailure, match="is damaged"):
        await stack.up(only=["mail"])
    (stack.folder / "stack.json").unlink()


def test_a_plan_has_every_process_once_with_ports_of_its_own(tmp_path):
    ports = {name: 30000 + index for index, name in enumerate(port_names())}
    specs = plan(tmp_path, StackState(engines="embedded", ports=ports))
    used = [port for spec in specs for port in spec.ports.values()]
    assert len(used) == len(set(used))
    assert len({spec.name for spec in specs}) == len(specs) == 12
    assert [spec.stage for spec in specs] == sorted(spec.stage for spec in specs)


def test_services_are_told_where_traces_go_and_only_when_asked(tmp_path):
    ports = {name: 7000 + number for number, name in enumerate(port_names())}
    state = StackState(engines="embedded", ports=ports, replicas={})
    booking, quiet = (
        next(spec for spec in plan(tmp_path, state, traces) if spec.name == "booking").environment
        for traces in (Traces("http://127.0.0.1:4317", 0.05), None)
    )
    assert (booking["USHER_OTLP_ENDPOINT"], booking["USHER_TRACE_RATIO"]) == ("http://127.0.0.1:4317", "0.05")
    assert "USHER_OTLP_ENDPOINT" not in quiet


def test_grpc_knows_how_services_want_it_to_read_their_sockets(tmp_path):
    """Experiments of gRPC end one day; then the setting goes here, in the charts and in the image."""
    ports = {name: 7000 + number for number, name in enumerate(port_names())}
    state = StackState(engines="embedded", ports=ports, replicas={})
    (wanted,) = {
        spec.environment["GRPC_EXPERIMENTS"] for spec in plan(tmp_path, state) if "GRPC_EXPERIMENTS" in spec.environment
    }
    known, unknown = (
        subprocess.run(
            [sys.executable, "-c", "import grpc"], env={"GRPC_EXPERIMENTS": each}, capture_output=True, check=True
        ).stderr
        for each in (wanted, f"{wanted},-no_such_experiment")
    )
    assert (known, b"Unknown experiment: no_such_experiment" in unknown) == (b"", True)


@pytest.mark.parametrize("endpoint", ["https://collector:4317", "collector:4317", "http://collector/v1/traces"])
def test_an_address_that_takes_no_traces_is_refused_in_one_line(endpoint):
    with pytest.raises(StackFailure, match="traces go to http://host:port"):
        Traces(endpoint)
