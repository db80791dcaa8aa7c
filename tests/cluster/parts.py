"""What a cluster is made of: programs and definitions that binaries/*/go.mod pin, built when first needed.

`python tests/cluster/parts.py` builds them and says how long it took.
"""

import sys
import time
from dataclasses import dataclass
from pathlib import Path

from testkit.go_programs import built, lacking, pinned, source_files

BINARIES = Path(__file__).parent / "binaries"
GO = (1, 26)  # what kwok asks for
KUBERNETES, ETCD, KWOK, DEFINITIONS = (BINARIES / name for name in ("kubernetes", "etcd", "kwok", "definitions"))
SKAFFOLD = BINARIES / "skaffold"
STAGES = {"sigs.k8s.io/kwok": [f"kustomize/stage/{name}.yaml" for name in (
    "node/fast/node-initialize", "node/heartbeat/node-heartbeat", "pod/fast/pod-ready", "pod/fast/pod-delete",
)]}  # fmt: skip
# Those of the operators whose resources the chart can make.
CRDS = {
    "github.com/cert-manager/cert-manager": ["deploy/crds/cert-manager.io_*.yaml"],
    "github.com/elastic/cloud-on-k8s/v3": [
        "config/crds/v1/resources/elasticsearch.k8s.elastic.co_elasticsearches.yaml"
    ],
    "github.com/external-secrets/external-secrets": ["config/crds/bases/external-secrets.io_externalsecrets.yaml"],
    "github.com/kedacore/keda/v2": [
        f"config/crd/bases/keda.sh_{name}.yaml" for name in ("scaledobjects", "triggerauthentications")
    ],
    "github.com/mongodb/mongodb-kubernetes-operator": ["config/crd/bases/*.yaml"],
    "github.com/prometheus-operator/prometheus-operator": [
        f"example/prometheus-operator-crd/monitoring.coreos.com_{name}.yaml"
        for name in ("servicemonitors", "podmonitors", "prometheusrules")
    ],
    "sigs.k8s.io/gateway-api": [
        f"config/crd/standard/gateway.networking.k8s.io_{name}.yaml" for name in ("gateways", "httproutes")
    ],
}


@dataclass(frozen=True, slots=True)
class Parts:
    """Folders: programs of Kubernetes, of etcd and kwok, kwok's own stages, definitions of custom resources."""

    kubernetes: Path
    etcd: Path
    kwok: Path
    stages: Path
    definitions: Path


def what_is_lacking() -> str:
    """Why there can be no cluster here, in one line; empty: nothing."""
    if not sys.platform.startswith("linux"):
        return "a control plane that ends with the test that started it needs Linux"
    return next((reason for each in (KUBERNETES, ETCD, KWOK) if (reason := lacking(each, GO))), "")


def version() -> str:
    """Of Kubernetes."""
    return pinned(KUBERNETES, "k8s.io/kubernetes")


def parts() -> Parts:
    """All of them. The first time takes a quarter of an hour on two cores, afterwards nothing."""
    major, minor, _ = version().removeprefix("v").split(".")
    says = {"gitVersion": version(), "gitMajor": major, "gitMinor": minor}
    return Parts(
        kubernetes=built(
            KUBERNETES, link=[f"-X k8s.io/component-base/version.{key}={each}" for key, each in says.items()]
        ),
        etcd=built(ETCD),
        kwok=built(KWOK),
        stages=source_files(KWOK, STAGES),
        definitions=source_files(DEFINITIONS, CRDS),
    )


if __name__ == "__main__":
    if reason := what_is_lacking():
        sys.exit(f"no cluster: {reason}")
    began = time.monotonic()
    print(f"Kubernetes {version()}, etcd and kwok: built where they are not in the cache (a quarter of an hour, once)")
    parts()
    print(f"they are there after {time.monotonic() - began:.0f} s")
