"""Dashboards are as described, complete, and lead on to runbooks that exist."""

import json
import re

import pytest

from local_stack.platform_processes import SERVICES
from monitoring_config import __main__ as writing
from monitoring_config.boards import WIDTH, Board, Section, number
from monitoring_config.dashboards import every_board
from monitoring_config.grafana import rendered
from monitoring_config.places import DASHBOARDS, RUNBOOKS, RUNBOOKS_MARK
from monitoring_config.slos import ObjectivesMalformed, objectives

BOARDS = {board.name: board for board in every_board()}
WANTED = {
    "overview", "on-sale", "payments", "notifications", "search", "event-backbone", "business", "slo", "capacity",
    *(f"service-{service}" for service in SERVICES),
}  # fmt: skip
# https://grafana.com/docs/grafana/latest/panels-visualizations/configure-standard-options/ (unit), those that are used.
UNITS = {"short", "reqps", "ops", "s", "ms", "bytes", "percentunit"}


@pytest.fixture(params=BOARDS)
def board(request):
    return BOARDS[request.param]


def headings():
    """Anchors of the runbooks, as Git forges make them."""
    return {
        re.sub(r"[^\w -]", "", line.lstrip("# ")).strip().lower().replace(" ", "-")
        for line in RUNBOOKS.read_text().splitlines() if line.startswith("#")
    }  # fmt: skip


def test_what_is_written_is_what_is_described():
    assert writing.stale(writing.documents()) == [], "make dashboards"


def test_a_dashboard_that_nobody_describes_any_more_is_stale():
    wanted = {path: text for path, text in writing.documents().items() if path.stem != "search"}
    assert writing.stale(wanted) == [DASHBOARDS / "search.json"]


def test_there_is_a_dashboard_for_each_purpose():
    assert set(BOARDS) == WANTED


def test_every_panel_says_what_it_shows_in_which_unit(board):
    for panel in board.panels():
        assert panel.title
        assert panel.text.endswith("."), panel.title
        assert panel.unit in UNITS, panel.title
        assert 0 < panel.width <= WIDTH
        assert 0 < len(panel.queries) <= 8, panel.title


def test_what_can_be_alarming_leads_to_its_runbook(board, alerts):
    known = headings()
    for panel in board.panels():
        assert not panel.alert or (panel.alert in alerts and panel.alert.lower() in known), panel.title


def test_a_document_has_variables_links_and_numbers_of_its_own(board):
    document = json.loads(rendered(board))
    names = [each["name"] for each in document["templating"]["list"]]
    assert names == ["datasource", "namespace", *([] if board.service else ["service"]), "instance"]
    assert document["uid"] == f"usher-{board.name}"
    assert [link["title"] for link in document["links"]] == ["Usher", "Runbooks"]
    ids = [panel["id"] for panel in document["panels"]]
    assert len(set(ids)) == len(ids)
    pictures = [panel for panel in document["panels"] if panel["type"] != "row"]
    assert len(pictures) == len(list(board.panels()))
    for panel in pictures:
        assert all(target["datasource"]["uid"] == "${datasource}" for target in panel["targets"])
        assert not re.search("SCOPE|GATEWAY|EVERYWHERE", json.dumps(panel["targets"]))


def test_panels_do_not_lie_on_each_other(board):
    taken = set()
    for panel in json.loads(rendered(board))["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= WIDTH
        taken |= cells


@pytest.mark.parametrize(
    ("warn", "alarm", "colours"), [(1, 5, ["green", "yellow", "red"]), (0.9, 0.5, ["red", "yellow", "green"])]
)
def test_a_number_turns_red_on_the_side_that_is_bad(warn, alarm, colours):
    panel = number("N", "T.", "short", "up{SCOPE}", warn=warn, alarm=alarm, alert="UsherTargetDown")
    board = Board(name="b", title="B", text="T.", sections=(Section("S", (panel,)),))
    picture = json.loads(rendered(board))["panels"][1]
    assert [step["color"] for step in picture["fieldConfig"]["defaults"]["thresholds"]["steps"]] == colours
    assert picture["links"][0]["url"] == f"{RUNBOOKS_MARK}#ushertargetdown"


def test_every_alert_has_a_runbook(alerts):
    assert {name.lower() for name in alerts} - headings() == set()


@pytest.mark.parametrize(
    ("says", "why"),
    [
        ("{services: {user: {beauty: {percent: 99}}}, streams: []}", "a promise is one of"),
        ("{services: {user: {latency: {percent: 99}}}, streams: []}", "has percent"),
        ("{services: {user: {availability: {percent: 100}}}, streams: []}", "cannot be promised"),
    ],
)
def test_objectives_that_mean_nothing_are_refused(tmp_path, says, why):
    path = tmp_path / "slos.yaml"
    path.write_text(says)
    with pytest.raises(ObjectivesMalformed, match=why):
        objectives(path)


def test_streams_are_those_of_the_contracts():
    import importlib
    import pkgutil

    import usher

    streams = set()
    for module in pkgutil.walk_packages(usher.__path__, "usher."):
        if module.name.endswith("_service_pb2"):
            descriptor = importlib.import_module(module.name).DESCRIPTOR
            streams |= {
                method.name for service in descriptor.services_by_name.values()
                for method in service.methods if method.server_streaming
            }  # fmt: skip
    assert set(objectives()[0].streams) == streams
