"""Components combine freely: whichever are chosen, in whatever order, for any environment."""

import itertools
import os
import random
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml
from kustomize_build import ENGINES, ENTRANCES, KUSTOMIZE, OVERLAYS, BuildRefused, build_text, components, variant
from meaning import containers_of, pod_of, without_order

FREE = [name for name in components() if name not in {*ENTRANCES, *ENGINES}]
# What one chooses: an environment, a way in, engines, and of each other component whether it is there.
CHOICES = [
    OVERLAYS,
    *([(), *((name,) for name in names)] for names in (ENTRANCES, ENGINES)),
    *([(), (name,)] for name in FREE),
]
EVERY = list(itertools.product(*CHOICES))
AT_ONCE = 8


def pairwise():
    """Few combinations in which any two choices meet; the same ones each time."""
    dice, open_pairs, found = random.Random(6), set(), []
    for (one, ones), (other, others) in itertools.combinations(enumerate(CHOICES), 2):
        open_pairs |= {(one, a, other, b) for a in ones for b in others}
    while open_pairs:
        tries = [tuple(dice.choice(list(each)) for each in CHOICES) for _ in range(60)]
        best = max(tries, key=lambda each: len(open_pairs & pairs(each)))
        if open_pairs & pairs(best):
            found.append(best)
            open_pairs -= pairs(best)
    return found


def pairs(combination):
    return {(i, combination[i], j, combination[j]) for i, j in itertools.combinations(range(len(combination)), 2)}


def chosen(combination):
    environment, *lists = combination
    return environment, [name for each in lists for name in each]


def names(combination):
    environment, found = chosen(combination)
    return " ".join([environment, *found])


def problems(text):
    """What is wrong with a build that succeeded: references to nothing, addresses of another namespace."""
    objects = [each for each in yaml.load_all(text, Loader=yaml.CSafeLoader) if each]
    there = {(each["kind"], each["metadata"]["name"]) for each in objects}
    wanted = {("ConfigMap", name) for each in objects for name in configmaps(each)}
    wanted |= {
        ("ServiceAccount", pod["serviceAccountName"])
        for pod in map(pod_of, objects)
        if pod and "serviceAccountName" in pod
    }
    wanted |= {
        ("Deployment", each["spec"]["scaleTargetRef"]["name"])
        for each in objects
        if "scaleTargetRef" in each.get("spec", {})
    }
    found = [f"nothing is {kind} {name}" for kind, name in sorted(wanted - there)]
    found += [f"no address: {line.strip()}" for line in text.splitlines() if ".usher.svc." in line]
    scaled = [each["spec"]["scaleTargetRef"]["name"] for each in objects if "scaleTargetRef" in each.get("spec", {})]
    return [*found, *(f"scaled twice: {name}" for name in {name for name in scaled if scaled.count(name) > 1})]


def configmaps(each):
    for container in containers_of(each):
        yield from (origin["configMapRef"]["name"] for origin in container.get("envFrom", []))
        for variable in container.get("env", []):
            if "configMapKeyRef" in variable.get("valueFrom", {}):
                yield variable["valueFrom"]["configMapKeyRef"]["name"]
    for volume in (pod_of(each) or {}).get("volumes", []):
        if "configMap" in volume:
            yield volume["configMap"]["name"]


@pytest.mark.parametrize("combination", pairwise(), ids=names)
def test_any_two_choices_go_together(combination, tmp_path):
    environment, found = chosen(combination)
    text = build_text(variant(environment, found, tmp_path / "in order"))
    assert problems(text) == []
    backwards = build_text(variant(environment, found[::-1], tmp_path / "backwards"))
    assert backwards == text or _as_objects(backwards) == _as_objects(text), (
        "the order of components is to mean nothing"
    )


@pytest.mark.long
@pytest.mark.timeout(4 * 3600)
def test_all_choices_go_together(tmp_path):
    """In no order, so that what was built until somebody stops it is a fair part, and told as it goes."""
    assert len(EVERY) == 3 * 3 * 4 * 2 ** len(FREE)
    order = random.Random(13).sample(EVERY, len(EVERY))

    def said(number, combination):
        folder = tmp_path / str(number)
        try:
            return problems(build_text(variant(*chosen(combination), folder)))
        except BuildRefused as refused:
            return [str(refused)]
        finally:
            shutil.rmtree(folder)

    found = {}
    with ThreadPoolExecutor(min(os.cpu_count() or 1, AT_ONCE)) as pool:
        for number, (combination, wrong) in enumerate(
            zip(order, pool.map(said, itertools.count(), order), strict=True), 1
        ):
            found |= {names(combination): wrong} if wrong else {}
            if not number % 100:
                print(f"{number} of {len(EVERY)} combinations built, {len(found)} of them wrong", flush=True)
    assert found == {}


@pytest.mark.parametrize("name", components())
def test_every_component_does_something(name, tmp_path):
    assert build_text(variant("prod", [name], tmp_path / "with")) != build_text(
        variant("prod", [], tmp_path / "without")
    )


@pytest.mark.parametrize(
    ("two", "said"),
    [
        (ENTRANCES, "usher-gateway"),
        *((two, "one-kind-of-engines") for two in itertools.combinations(ENGINES, 2)),
    ],
)
def test_a_second_way_in_and_other_engines_too_are_refused(two, said, tmp_path):
    with pytest.raises(BuildRefused, match=said):
        build_text(variant("prod", two, tmp_path / "both"))


def test_the_documentation_lists_every_component():
    text = (KUSTOMIZE / "README.md").read_text()
    assert [name for name in components() if f"| `{name}` |" not in text] == []


def test_what_is_wrong_with_a_build_is_found():
    text = """
kind: Deployment
metadata: {name: usher-event}
spec:
  template:
    spec:
      serviceAccountName: usher-event
      containers: [{name: event, envFrom: [{configMapRef: {name: settings}}], env: [{name: A, value: a.usher.svc.b}]}]
"""
    assert len(problems(text)) == 3


def _as_objects(text):
    return {
        (each["kind"], each["metadata"]["name"]): without_order(each)
        for each in yaml.load_all(text, Loader=yaml.CSafeLoader)
    }
