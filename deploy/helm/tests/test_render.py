"""Every environment renders with every switch; what is wrong is refused with one clear line."""

import pytest
from helm_chart import CHART, ChartRefused, helm, objects_of, own_values, render, render_text

SERVICES = ("analytics", "booking", "event", "notification", "payment", "search", "user")


def test_the_linter_has_nothing_to_say(environment):
    said = helm("lint", "--strict", str(CHART), values=[own_values(environment)])
    assert [line for line in said.splitlines() if line.startswith(("[WARNING]", "[ERROR]"))] == []


def test_seven_services_and_the_gateway_come_out_of_one_template(objects, find):
    deployments = find(objects, "Deployment")
    own = {f"usher-{name}" for name in (*SERVICES, "gateway")}
    assert own <= set(deployments)
    assert set(deployments) - own <= {"usher-mail", "usher-sandbox"}, "helpers of development"
    for kind in ("Service", "ServiceAccount"):
        assert set(deployments) <= set(find(objects, kind))


def test_no_object_is_there_twice_and_each_says_whose_it_is(objects):
    names = [(each["apiVersion"], each["kind"], each["metadata"]["name"]) for each in objects]
    assert len(names) == len(set(names))
    assert {each["metadata"]["labels"]["app.kubernetes.io/instance"] for each in objects} == {"usher"}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"gateway": {"wrkers": 2}}, "at '/gateway': additional properties 'wrkers' not allowed"),
        ({"components": {"booking": {"settings": {"USHER_HOLDSECONDS": "1"}}}}, "'USHER_HOLDSECONDS' not allowed"),
        ({"components": {"event": {"settings": {"USHER_LANES": "2"}}}}, "'USHER_LANES' not allowed"),
        ({"environment": "qa"}, "at '/environment': value must be one of 'dev', 'staging', 'prod'"),
        ({"defaults": {"resources": {"requests": {"memory": "lots"}}}}, "at '/defaults/resources/requests/memory'"),
        ({"publicUrl": "usher.example"}, "at '/publicUrl'"),
        ({"engines": {"kind": "singleNode"}}, "engines.kind singleNode is for environment dev alone"),
        (
            {"engines": {"kind": "embedded"}},
            "at '/engines/kind': value must be one of 'none', 'singleNode', 'operators'",
        ),
        ({"development": {"mail": {"enabled": True}}}, "development.mail is for environment dev alone"),
        ({"environment": "dev", "development": {"seed": {"enabled": True}}}, "development.seed needs development.mail"),
        ({"publicUrl": "http://usher.example"}, "tls.enabled, but publicUrl is http://usher.example"),
        ({"tls": {"certManager": {"issuer": ""}}}, "tls.certManager.issuer is empty: name who signs the certificate"),
        ({"externalSecrets": {"enabled": True, "store": ""}}, "externalSecrets.store is empty"),
        (
            {"engines": {"kind": "operators", "operators": {"kafka": {"replicas": 1}}}},
            "topics.copies 3 is more than engines.operators.kafka.replicas 1",
        ),
        ({"engines": {"operators": {"mongodb": {"replicas": 2}}}}, "at '/engines/operators/mongodb/replicas'"),
        ({"components": {"booking": {"scaling": {"min": 9}}}}, "booking: scaling.min 9 is more than scaling.max 4"),
    ],
)
def test_a_wrong_value_is_refused_with_a_line_that_names_it(values, said):
    with pytest.raises(ChartRefused) as refused:
        render("", values)
    lines = [line for line in str(refused.value).splitlines() if said in line]
    assert len(lines) == 1, refused.value


def test_a_cluster_that_is_too_old_is_refused():
    with pytest.raises(ChartRefused, match=r"requires kubeVersion: >=1\.30\.0-0 which is incompatible"):
        render_text("prod", options=["--kube-version", "1.29.0"])


def test_rendering_twice_gives_the_same(environment):
    assert render_text(environment) == render_text(environment)


def test_two_releases_in_one_cluster_share_no_name_but_those_of_secrets():
    one, other = (
        {
            (each["kind"], each["metadata"]["name"])
            for each in objects_of(helm("template", name, str(CHART), values=[own_values("prod")]))
            if each["kind"] != "ExternalSecret"
        }
        for name in ("one", "other")
    )
    assert one & other == set()


def test_releases_of_one_name_in_two_namespaces_share_nothing_that_belongs_to_the_cluster():
    one, other = (
        {
            each["metadata"]["name"]
            for each in objects_of(
                helm("template", "usher", str(CHART), "--namespace", name, values=[own_values("prod")])
            )
            if each["kind"] == "PriorityClass"
        }
        for name in ("usher", "usher-staging")
    )
    assert one == {"usher-critical", "usher-standard", "usher-background"}
    assert one & other == set()
