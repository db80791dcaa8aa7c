"""Each alert fires when it should and not when it need not: promtool runs both on the rules that the chart ships."""

import subprocess

import pytest
import yaml

from monitoring_config.burn_rates import FAST, SLOW
from monitoring_config.places import RUNBOOKS_MARK
from monitoring_config.slos import objectives

MADE = {"UsherErrorBudgetBurnsFast", "UsherErrorBudgetBurnsSlowly"}


def test_every_alert_has_a_course_that_makes_it_fire_and_one_that_does_not(alerts, courses):
    assert alerts.keys() - MADE == courses.keys()
    for name, course in courses.items():
        assert course.keys() == {"fires", "silent"}, name
        # The silent one is about the same metrics, or it would prove nothing.
        assert metrics(course["silent"]) & metrics(course["fires"]), name
        assert course["fires"]["says"], name


def metrics(course):
    return {series.partition("{")[0] for series in course["series"]}


def test_every_alert_says_how_bad_it_is_and_where_to_read_on(alerts):
    for name, rule in alerts.items():
        assert rule["labels"]["severity"] in {"critical", "warning"}, name
        assert rule["annotations"].keys() == {"summary", "runbook_url"}, name
        assert rule["annotations"]["runbook_url"] == f"{RUNBOOKS_MARK}#{name.lower()}"


def in_namespace(series):
    name, _, labels = series.partition("{")
    return f'{name}{{namespace="usher", {labels}' if labels else f'{name}{{namespace="usher"}}'


def expectation(name, rule, course):
    """What promtool compares: nothing, or the alert with all its labels and annotations."""
    if "says" not in course:
        return []
    labels = {"namespace": "usher", **course["labels"], **rule["labels"]}
    annotations = {"summary": course["says"], "runbook_url": rule["annotations"]["runbook_url"]}
    return [{"exp_labels": labels, "exp_annotations": annotations}]


def as_promtool_reads_it(name, rule, course):
    series = [{"series": in_namespace(each), "values": str(values)} for each, values in course["series"].items()]
    asked = {"alertname": name, "eval_time": course["at"], "exp_alerts": expectation(name, rule, course)}
    return {"interval": course.get("every", "1m"), "input_series": series, "alert_rule_test": [asked]}


def ran(promtool, folder, rules, tests, every="1m"):
    """What promtool finds wrong; nothing when all is right."""
    for name, groups in rules.items():
        (folder / name).write_text(yaml.safe_dump({"groups": groups}))
    document = {"rule_files": [*rules], "evaluation_interval": every, "tests": tests}
    (folder / "tests.yaml").write_text(yaml.safe_dump(document, width=1000))
    done = subprocess.run(
        [promtool, "test", "rules", str(folder / "tests.yaml")],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.observe
@pytest.mark.parametrize("how", ["fires", "silent"])
def test_alerts_do_what_they_are_there_for(how, promtool, tmp_path, rules, alerts, courses):
    own = {"alerts.yaml": rules["alerts.yaml"]}
    for every in {course[how].get("every", "1m") for course in courses.values()}:
        tests = [
            as_promtool_reads_it(name, alerts[name], course[how])
            for name, course in courses.items() if course[how].get("every", "1m") == every
        ]  # fmt: skip
        assert ran(promtool, tmp_path, own, tests, every) == ""


@pytest.mark.observe
def test_promtool_finds_nothing_wrong_with_the_rules(promtool, tmp_path, rules):
    for name, groups in rules.items():
        (tmp_path / name).write_text(yaml.safe_dump({"groups": groups}))
    done = subprocess.run(
        [promtool, "check", "rules", *(str(tmp_path / name) for name in rules)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def only(rules, service, kind):
    """The rules of one objective: promtool works out each rule at each minute."""
    own = {"job": service, "slo": kind}
    groups = rules["slo-rules.yaml"]
    return {
        "slo-rules.yaml": [
            {**group, "rules": [rule for rule in group["rules"] if "alert" in rule or rule["labels"] == own]}
            for group in groups
        ]
    }


def burning(objective, times):
    """A course in which `objective` is missed `times` as often as its budget allows, among 100 000 a minute."""
    whole, labels = 100_000, f'job="{objective.service}", instance="a"'
    bad = round(whole * objective.budget * times)
    good, length = whole - bad, 80
    if objective.kind == "availability":
        counter = "usher_rpc_server_handled_total"
        return {
            f'{counter}{{{labels}, method="m", code="OK"}}': f"0+{good}x{length}",
            f'{counter}{{{labels}, method="m", code="UNAVAILABLE"}}': f"0+{bad}x{length}",
        }
    histogram = {"latency": "usher_rpc_server_seconds", "freshness": "usher_consumer_delay_seconds"}[objective.kind]
    return {
        f'{histogram}_bucket{{{labels}, le="{objective.seconds!r}"}}': f"0+{good}x{length}",
        f"{histogram}_count{{{labels}}}": f"0+{whole}x{length}",
    }


def summary(alert, objective, times):
    bad = objective.budget * times * 100
    text = alert["annotations"]["summary"].replace("{{ $labels.job }}", objective.service)
    return text.replace("{{ $labels.slo }}", objective.kind).replace("{{ $value | humanizePercentage }}", f"{bad:.4g}%")


@pytest.mark.observe
@pytest.mark.parametrize("objective", objectives(), ids=lambda each: f"{each.service}-{each.kind}")
def test_a_budget_that_burns_wakes_somebody_and_one_that_lasts_does_not(objective, promtool, tmp_path, rules, alerts):
    fast, slow = (alerts[name] for name in sorted(MADE))
    rates = (20, 4, 0.5)
    tests = []
    for times in rates:
        series = [
            {"series": in_namespace(each), "values": values} for each, values in burning(objective, times).items()
        ]
        expected = []
        for alert, burns in ((fast, FAST), (slow, SLOW)):
            wakes = times > min(rate for rate, _, _ in burns)
            labels = {"namespace": "usher", "job": objective.service, "slo": objective.kind, **alert["labels"]}
            annotations = {**alert["annotations"], "summary": summary(alert, objective, times)}
            found = [{"exp_labels": labels, "exp_annotations": annotations}] if wakes else []
            expected.append({"alertname": alert["alert"], "eval_time": "70m", "exp_alerts": found})
        tests.append({"interval": "1m", "input_series": series, "alert_rule_test": expected})
    assert ran(promtool, tmp_path, only(rules, objective.service, objective.kind), tests) == ""


def handled(good, bad):
    """Courses of what the booking service answered."""
    counter = 'usher_rpc_server_handled_total{namespace="usher", job="booking", instance="a", method="m", code='
    return [{"series": f'{counter}"OK"}}', "values": good}, {"series": f'{counter}"UNAVAILABLE"}}', "values": bad}]


@pytest.mark.observe
@pytest.mark.parametrize(
    ("good", "bad"),
    [
        pytest.param("0+1000x100", "0+1000x60 60000+0x40", id="an hour that was bad is over"),
        pytest.param("0+0x100", "0+0.5x100", id="hardly anybody calls"),
    ],
)
def test_what_nobody_can_do_anything_about_wakes_nobody(good, bad, promtool, tmp_path, rules):
    asked = {"alertname": "UsherErrorBudgetBurnsFast", "eval_time": "95m", "exp_alerts": []}
    test = {"interval": "1m", "input_series": handled(good, bad), "alert_rule_test": [asked]}
    assert ran(promtool, tmp_path, only(rules, "booking", "availability"), [test]) == ""
