"""What watches a release comes with it: monitors for ports that pods have, alerts, dashboards, topics, secrets."""

import json

from helm_chart import CHART, own_values, render

from event_backbone.dead_letters import DEAD_LETTER_TOPIC

RUNBOOKS = "https://wiki.example.org/usher"


def test_alerts_and_dashboards_lead_to_the_runbooks_of_this_installation(find):
    objects = render("prod", {"monitoring": {"runbooks": RUNBOOKS}})
    (rule,) = find(objects, "PrometheusRule").values()
    alerts = [each for group in rule["spec"]["groups"] for each in group["rules"] if "alert" in each]
    assert {each["alert"] for each in alerts} > {"UsherNotServing", "UsherErrorBudgetBurnsFast"}
    for each in alerts:
        assert each["annotations"]["runbook_url"] == f"{RUNBOOKS}#{each['alert'].lower()}"
        assert "{{" in each["annotations"]["summary"]
    assert own_values()["monitoring"]["runbooks"] not in str(objects)


def test_each_dashboard_is_one_that_the_sidecar_of_grafana_finds(rendered, find):
    maps = {
        name: each for name, each in find(rendered("prod", "watched"), "ConfigMap").items()
        if each["metadata"]["labels"].get("grafana_dashboard") == "1"
    }  # fmt: skip
    written = {path.stem: json.loads(path.read_text()) for path in (CHART / "files" / "dashboards").glob("*.json")}
    assert {f"usher-dashboard-{name}" for name in written} == maps.keys()
    for name, document in written.items():
        ((file, text),) = maps[f"usher-dashboard-{name}"]["data"].items()
        assert file == f"usher-{name}.json"
        assert json.loads(text)["panels"] != []
        assert json.loads(text)["uid"] == document["uid"]
        assert len(text) < 2**20, "a ConfigMap holds a mebibyte"


def test_every_pod_is_scraped_once(rendered, find, pods):
    objects = rendered("prod", "watched")
    (monitor,) = find(objects, "ServiceMonitor").values()
    wanted = monitor["spec"]["selector"]["matchLabels"].items()
    (endpoint,) = monitor["spec"]["endpoints"]
    scraped = []
    for service in find(objects, "Service").values():
        ports = {each["name"] for each in service["spec"]["ports"]}
        if wanted <= service["metadata"]["labels"].items() and endpoint["port"] in ports:
            scraped.append(service["spec"]["selector"]["app.kubernetes.io/component"])
    assert sorted(scraped) == sorted(name.removeprefix("usher-") for name in find(objects, "Deployment"))


def test_the_job_makes_the_topic_of_each_service_that_publishes_and_that_of_the_dead_letters(rendered, find):
    (container,) = find(rendered("prod"), "Job", "usher-topics")["spec"]["template"]["spec"]["containers"]
    topics = [each for each in container["args"] if each.startswith("usher.")]
    read = {topic for each in own_values()["components"].values() for topic in each.get("consumes", {}).values()}
    assert {*read, DEAD_LETTER_TOPIC} <= set(topics)
    assert container["args"][:3] == ["python", "-m", "event_backbone.topics"]
    assert {"--partitions=12", "--copies=3", "--retention-hours=168"} <= set(container["args"])


def test_topics_are_there_before_services_make_their_own_unless_the_release_brings_kafka_or_the_login(rendered, find):
    hooks = {
        environment: find(rendered(environment), "Job", "usher-topics")["metadata"]["annotations"]["helm.sh/hook"]
        for environment in ("dev", "staging", "prod")
    }
    assert hooks == {
        "dev": "post-install,post-upgrade", "staging": "post-install,pre-upgrade", "prod": "post-install,pre-upgrade",
    }  # fmt: skip
    job = find(rendered("prod", "secrets by hand"), "Job", "usher-topics")
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"


def test_external_secrets_fill_each_secret_a_pod_asks_for(rendered, find, pods):
    objects = rendered("prod", "external secrets")
    needed, everything = set(), set()
    for name, each in find(objects, "ExternalSecret").items():
        needed |= {(name, data["secretKey"]) for data in each["spec"].get("data", [])}
        if "dataFrom" in each["spec"]:
            everything.add(name)
    asked, wished = set(), set()
    for name, pod in pods(objects).items():
        if not name.startswith(("Deployment", "usher-smoke")):
            continue
        for container in pod["containers"]:
            for each in (each["valueFrom"]["secretKeyRef"] for each in container.get("env", []) if "valueFrom" in each):
                (wished if each["optional"] else asked).add((each["name"], each["key"]))
        for volume in (each["secret"] for each in pod.get("volumes", []) if "secret" in each):
            (wished if volume["optional"] else asked).update(
                (volume["secretName"], item["key"]) for item in volume["items"]
            )
    assert needed == asked
    assert everything == {name for name, _ in wished}, "a key that may be missing is not asked for by name"
