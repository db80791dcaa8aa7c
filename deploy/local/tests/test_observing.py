"""Prometheus and Grafana beside a stack: what they are told, and what is said where they are missing."""

import json
import stat

import pytest
import yaml

from local_stack import observing
from local_stack.doctor import examine
from local_stack.failures import StackFailure
from local_stack.inspection import inspect
from local_stack.platform_processes import SERVICES
from local_stack.stack import plan, port_names
from local_stack.state import StackState

PORTS = {name: 30000 + index for index, name in enumerate(port_names({"booking": 2}))}


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """`programs("prometheus")` puts one that does nothing on an otherwise empty PATH."""
    folder = tmp_path / "programs" / "bin"
    folder.mkdir(parents=True)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("USHER_CACHE", str(tmp_path / "cache"))

    def put(name):
        path = folder / name
        path.write_text("#!/bin/sh\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    return put


async def test_without_prometheus_nothing_is_started_and_it_is_said_where_it_comes_from(stacks, programs):
    stack = stacks()
    with pytest.raises(StackFailure, match="apt-get install prometheus.*make prometheus"):
        await stack.up(observe=True, only=["mail"])
    assert not (stack.folder / "stack.json").exists()


def test_what_make_prometheus_has_brought_is_found(tmp_path, programs):
    brought = tmp_path / "cache" / "prometheus" / "usr" / "bin" / "promtool"
    brought.parent.mkdir(parents=True)
    brought.touch()
    assert observing.found("promtool") == str(brought)
    assert observing.found("prometheus") is None


async def test_a_stack_that_is_observed_stays_so_until_it_is_said_otherwise(stacks, programs):
    programs("prometheus")
    stack = stacks()
    for observe, expected in ((True, True), (None, True), (False, False), (None, False)):
        await stack.up(observe=observe, only=["mail"])
        assert ("prometheus" in [spec.name for spec in stack.specs()]) is expected
        await stack.down()


def test_every_replica_is_scraped_under_the_name_of_its_service():
    jobs = {job["job_name"]: job for job in observing.scraping(PORTS, {"booking": 2})["scrape_configs"]}
    assert jobs.keys() == {*SERVICES, "gateway"}
    (booking,) = jobs["booking"]["static_configs"]
    assert booking["targets"] == [f"127.0.0.1:{PORTS[name]}" for name in ("booking_metrics", "booking-2_metrics")]
    assert jobs["gateway"]["metrics_path"] == "/stats/prometheus"


def test_prometheus_reads_the_rules_of_the_chart_with_the_runbooks_of_this_checkout(tmp_path):
    spec = observing.prometheus("prometheus", tmp_path, PORTS, {})
    spec.prepare()
    told = yaml.safe_load((tmp_path / "prometheus" / "prometheus.yml").read_text())
    assert told["rule_files"] == ["alerts.yaml", "slo-rules.yaml"]
    for name in told["rule_files"]:
        groups = yaml.safe_load((tmp_path / "prometheus" / name).read_text())["groups"]
        for rule in (rule for group in groups for rule in group["rules"] if "alert" in rule):
            place, _, section = rule["annotations"]["runbook_url"].partition("#")
            assert place == observing.RUNBOOKS.as_uri()
            assert section == rule["alert"].lower()


def test_without_grafana_prometheus_is_alone(tmp_path, programs):
    programs("prometheus")
    specs = plan(tmp_path, StackState(engines="embedded", ports=PORTS, observed=True))
    assert [spec.name for spec in specs if spec.stage > 3] == ["prometheus"]


def test_grafana_gets_datasource_and_dashboards_where_it_is_here(tmp_path, programs):
    programs("prometheus")
    server = programs("grafana-server")
    (server.parent.parent / "conf").mkdir()
    (server.parent.parent / "conf" / "defaults.ini").touch()
    grafana = observing.observers(tmp_path, PORTS, {})[1]
    grafana.prepare()
    assert grafana.command == (str(server), "--homepath", str(server.parent.parent))
    provisioned = tmp_path / "grafana" / "provisioning"
    (source,) = json.loads((provisioned / "datasources" / "prometheus.yaml").read_text())["datasources"]
    assert source["url"] == f"http://127.0.0.1:{PORTS['prometheus']}"
    (provider,) = json.loads((provisioned / "dashboards" / "usher.yaml").read_text())["providers"]
    boards = list((tmp_path / "grafana" / "dashboards").glob("*.json"))
    assert provider["options"]["path"] == str(boards[0].parent)
    assert len(boards) >= 16
    assert all(observing.RUNBOOKS_MARK not in board.read_text() for board in boards)
    assert grafana.environment["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"


def test_a_grafana_without_its_home_is_left_out(programs, monkeypatch):
    programs("grafana-server")
    monkeypatch.setattr(observing, "GRAFANA_HOMES", ())
    assert observing.grafana_server() is None


def test_the_doctor_says_what_is_missing_and_that_a_stack_starts_without(stacks, programs):
    found = {each.what: each for each in examine(stacks())}
    assert not found["prometheus is there"].fine
    assert not found["prometheus is there"].needed
    assert "make prometheus" in found["prometheus is there"].remedy


@pytest.mark.observe
async def test_prometheus_comes_up_with_a_stack_and_goes_with_it(stacks):
    try:
        observing.require_prometheus()
    except StackFailure as missing:
        pytest.skip(str(missing))
    stack = stacks()
    state = await stack.up(observe=True, only=["mail", "prometheus"])
    status = await inspect([spec for spec in stack.specs() if spec.name == "prometheus"], state)
    assert status.serving
    outcomes = await stack.down()
    assert outcomes["prometheus"] == "stopped"
