"""A gateway in a container puts its configuration together out of the template and parts."""

import json

import pytest

from gateway_config import PlaceholderMismatch
from gateway_config.__main__ import configure, configured
from gateway_config.compose import composed

TEXT = """
static_resources:
  listeners: [{name: gateway, port: @PORT@, chains: [{filters: [a]}]}]
  clusters: [{name: user, limits: {most: 1}}]
"""


def test_what_has_a_name_is_laid_over_its_namesake_and_the_rest_is_added():
    part = "static_resources: {clusters: [{name: user, tls: true}, {name: admin, port: @PORT@}]}"
    found = json.loads(composed(TEXT, [part], {"PORT": "8080"}))["static_resources"]
    assert found["clusters"] == [{"name": "user", "limits": {"most": 1}, "tls": True}, {"name": "admin", "port": 8080}]


def test_what_has_no_name_is_laid_over_what_stands_in_its_place():
    part = "static_resources: {listeners: [{name: gateway, chains: [{tls: true}, {filters: [b]}]}]}"
    (listener,) = json.loads(composed(TEXT, [part], {"PORT": "8080"}))["static_resources"]["listeners"]
    assert listener["chains"] == [{"filters": ["a"], "tls": True}, {"filters": ["b"]}]


def test_a_part_changes_what_is_there_but_never_takes_it_away():
    found = json.loads(
        composed(TEXT, ["static_resources: {clusters: [{name: user, limits: {most: 2}}]}", "{}"], {"PORT": "1"})
    )
    assert found["static_resources"]["clusters"] == [{"name": "user", "limits": {"most": 2}}]
    assert found["static_resources"]["listeners"] != []


@pytest.mark.parametrize("parts", [[], ["admin: @ADMIN_PORT@"]])
def test_a_placeholder_without_a_value_is_named(parts):
    with pytest.raises(PlaceholderMismatch, match="PORT"):
        composed(TEXT if not parts else "{}", parts, {"HOME": "/"})


def test_files_it_has_laid_out_itself_are_filled_in_and_parts_taken_in_the_order_of_their_names(tmp_path):
    given, folder = tmp_path / "given", tmp_path / "srv"
    given.mkdir()
    folder.mkdir()
    (given / "envoy.yaml").write_text("site: '@SITE_FOLDER@'\ncontracts: '@DESCRIPTORS@'\nlast: none")
    (given / "b.part.yaml").write_text("last: b")
    (given / "a.part.yaml").write_text("last: a")
    (given / "tls.yaml").write_text("last: no part")
    configure(folder, given, {})
    assert json.loads((folder / "envoy.yaml").read_text()) == {
        "site": f"{folder}/site", "contracts": f"{folder}/descriptors.binpb", "last": "b",
    }  # fmt: skip


FILES = {
    "envoy.yaml": """
static_resources:
  listeners: [{name: gateway, filter_chains: [{filters: [{typed_config: {}}]}]}]
  clusters: [{name: gateway, type: STATIC}, {name: user, type: STRICT_DNS}]
""",
    "upstream-tls.yaml": "name: tls",
}


def test_what_services_ask_of_their_callers_the_gateway_does(tmp_path):
    plain = json.loads(configured(FILES, tmp_path, {"USHER_TLS_CERT_FILE": "", "USHER_OTLP_ENDPOINT": ""}))
    assert [each["name"] for each in plain["static_resources"]["clusters"]] == ["gateway", "user"]
    assert "tls" not in json.dumps(plain)
    environment = {
        "USHER_TLS_CERT_FILE": "/tls.crt", "USHER_OTLP_ENDPOINT": "http://collector:4317", "USHER_TRACE_RATIO": "0.2",
    }  # fmt: skip
    found = json.loads(configured(FILES, tmp_path, environment))
    sockets = {each["name"]: each.get("transport_socket") for each in found["static_resources"]["clusters"]}
    assert sockets == {"gateway": None, "user": {"name": "tls"}, "traces": None}
    assert found["node"]["id"] == "gateway"
    (chain,) = found["static_resources"]["listeners"][0]["filter_chains"]
    assert chain["filters"][0]["typed_config"]["tracing"]["random_sampling"] == {"value": 20}
