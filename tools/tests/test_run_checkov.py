"""What checkov finds has to be explained, and what is explained has to be found."""

import yaml
from run_checkov import EXCUSED, LOCK, judged


def finding(check):
    return {
        "check_id": check,
        "check_name": "Do it",
        "resource": "Pod.default.usher-smoke",
        "file_path": "/prod-none.yaml",
    }


def test_a_finding_without_a_reason_and_a_reason_without_a_finding_are_told():
    assert list(judged([finding("CKV_K8S_1"), finding("CKV_K8S_2")], {"CKV_K8S_2": "why", "CKV_K8S_3": "why"})) == [
        "CKV_K8S_1 Pod usher-smoke (prod-none): Do it",
        "CKV_K8S_3 finds nothing any more: take it out of checkov.yaml",
    ]


def test_every_excuse_is_a_sentence():
    assert all(len(reason.split()) >= 6 for reason in yaml.safe_load(EXCUSED.read_text()).values())


def test_everything_checkov_brings_is_pinned_by_hash():
    pins = [line for line in LOCK.read_text().splitlines() if line and not line.startswith((" ", "#"))]
    assert any(line.startswith("checkov==") for line in pins)
    assert all(line.endswith("\\") for line in pins)
