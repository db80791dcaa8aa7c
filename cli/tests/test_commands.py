"""The commands as a person or a script uses them: what they print, their exit codes, their JSON."""

import json
import socket

import pytest
from typer.testing import CliRunner

from local_stack.mail_folder import keep
from usher_cli.app import build
from usher_cli.demo import readable

RAW = b"From: a@example.org\r\nTo: b@example.org\r\nMessage-ID: <1@usher>\r\nSubject: Your ticket\r\n\r\nHello\r\n"


@pytest.fixture
def usher(tmp_path):
    """Runs a command line on a stack in tmp_path."""

    def run(*arguments):
        return CliRunner().invoke(build(), [*arguments, "--data", str(tmp_path)], catch_exceptions=False)

    yield run
    run("down")


def test_up_status_logs_and_down_of_a_process(usher):
    started = usher("up", "--only", "mail")
    assert started.exit_code == 0
    assert "mail           ready" in started.output
    assert "usher down --data" in started.output
    status = usher("status", "--json")
    assert status.exit_code == 3, "services are not running"
    document = json.loads(status.stdout)
    rows = {row["name"]: row for row in document["processes"]}
    assert rows["mail"]["health"] == "SERVING"
    assert rows["mail"]["resident_bytes"] > 0
    assert rows["booking"]["health"] == "stopped"
    assert document["totals"] == {
        "services_resident_bytes": 0,
        "resident_bytes": rows["mail"]["resident_bytes"],
    }
    assert usher("logs", "mail").exit_code == 0
    assert json.loads(usher("down", "--json").stdout) == {"stopped": {"mail": "stopped"}}


def test_status_is_a_table_for_people(usher):
    usher("up", "--only", "mail")
    shown = usher("status")
    assert "seven services 0 MiB" in shown.output
    assert "SERVING" in shown.output


def test_a_second_down_says_that_nothing_was_running(usher):
    usher("up", "--only", "mail")
    usher("down")
    assert "nothing was running" in usher("down").output


def test_a_command_without_a_stack_is_one_clear_line(usher):
    refused = usher("status")
    assert refused.exit_code == 1
    assert refused.stderr.count("\n") == 1
    assert "`usher up` starts one" in refused.stderr


def test_logs_of_an_unknown_process_name_the_known_ones(usher):
    usher("up", "--only", "mail")
    refused = usher("logs", "bookings")
    assert refused.exit_code == 1
    assert "no process bookings; there are mongodb" in refused.stderr


def test_an_unknown_option_is_wrong_usage(usher):
    assert usher("up", "--enginess").exit_code == 2


def test_doctor_names_the_holder_of_a_taken_port(usher):
    usher("up", "--only", "mail")
    port = json.loads(usher("status", "--json").stdout)["ports"]["mongodb"]
    with socket.create_server(("127.0.0.1", port)):
        told = usher("doctor", "--json")
    assert told.exit_code == 1
    (taken,) = [finding for finding in json.loads(told.stdout) if not finding["fine"] and finding["needed"]]
    assert taken["what"] == f"port {port} of mongodb is free"
    assert "pid" in taken["remedy"]


def test_doctor_on_a_machine_that_has_everything_is_content(usher):
    assert usher("doctor").exit_code == 0


def test_mail_is_listed_and_shown_by_the_beginning_of_its_id(usher, tmp_path):
    keep(tmp_path / "mail", RAW, ["b@example.org"], "now")
    (message,) = json.loads(usher("mail", "list", "--json").stdout)
    assert (message["subject"], message["deliveries"]) == ("Your ticket", 1)
    shown = usher("mail", "show", message["id"][:6])
    assert "Hello" in shown.output
    assert usher("mail", "show", "nothing").exit_code == 1
    assert "Your ticket" in usher("mail", "list").output


def test_importing_without_a_running_gateway_says_how_to_start_it(usher, tmp_path):
    usher("up", "--only", "mail")
    file = tmp_path / "events.jsonl"
    file.write_text('{"event": {"title": "x"}}\n')
    refused = usher("import", "events", str(file), "--organizer", "organizers/x", "--token", "t")
    assert refused.exit_code == 1
    assert "`usher up` starts it" in refused.stderr


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/v1/payments?requestId=0af1", "/v1/payments"),
        ("/v1/payments?requestId=0af1&preferredGateway=stripe", "/v1/payments?preferredGateway=stripe"),
        ("/v1/payments?a=1&requestId=0af1&b=2", "/v1/payments?a=1&b=2"),
        ("/v1/payments?a=1&requestId=0af1  200 5 ms", "/v1/payments?a=1  200 5 ms"),
    ],
)
def test_an_address_without_its_request_id_is_an_address_still(path, shown):
    assert readable(path) == shown
