"""A cluster without containers: etcd, Kubernetes' API server, controllers, scheduler and kwok's nodes, on loopback."""

import ctypes
import os
import signal
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from identities import Identities
from parts import Parts
from stages import stages

from local_stack.ports import choose_ports

READY_SECONDS = 90.0
STOP_SECONDS = 20.0
_LIBC = ctypes.CDLL(None)
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)


class PartFailed(Exception):
    """A part of the cluster does not start, or ended; the text says which, and its last words."""


def _die_with_parent() -> None:
    _LIBC.prctl(_DIE_WITH_PARENT, signal.SIGKILL)


@dataclass(slots=True)
class ControlPlane:
    """One cluster; everything it writes is in `folder`."""

    parts: Parts
    folder: Path
    ports: dict[str, int] = field(default_factory=lambda: choose_ports(["etcd", "etcd_peer", "server"]))
    identities: Identities = field(init=False)
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.identities = Identities(self.folder)

    def kubeconfig(self, user: str) -> Path:
        """For kubectl and its like."""
        return self.identities.kubeconfig(user)

    @contextmanager
    def running(self) -> Iterator[None]:
        """All of it, until the block ends."""
        try:
            self.identities.write(self.ports["server"])
            self._start_etcd()
            self._start_server()
            self._start_the_others()
            yield
        finally:
            # The server waits for its store, so that goes last.
            for name in ("kwok", "scheduler", "controllers", "server", "etcd"):
                self._stop(name)

    def _start_etcd(self) -> None:
        client, peer = (f"http://127.0.0.1:{self.ports[name]}" for name in ("etcd", "etcd_peer"))
        self._start(
            "etcd", self.parts.etcd / "server", f"--data-dir={self.folder / 'etcd'}", "--unsafe-no-fsync",
            f"--listen-client-urls={client}", f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=default={peer}",
            "--log-level=warn",
        )  # fmt: skip
        self._wait("etcd", lambda: httpx.get(f"{client}/health", timeout=2).json()["health"] == "true")

    def _start_server(self) -> None:
        who = self.identities
        self._start(
            "server", self.parts.kubernetes / "kube-apiserver", f"--etcd-servers=http://127.0.0.1:{self.ports['etcd']}",
            "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", f"--secure-port={self.ports['server']}",
            f"--tls-cert-file={who.certificate}", f"--tls-private-key-file={who.key}",
            f"--token-auth-file={who.token_file}", "--authorization-mode=Node,RBAC",
            "--service-account-issuer=https://kubernetes.default.svc", f"--service-account-key-file={who.key}",
            f"--service-account-signing-key-file={who.key}", "--service-cluster-ip-range=10.0.0.0/16",
            "--endpoint-reconciler-type=none", "--profiling=false",
        )  # fmt: skip
        admin = {"Authorization": f"Bearer {who.tokens['admin']}"}
        url = f"https://127.0.0.1:{self.ports['server']}/readyz"
        self._wait("server", lambda: self._get(url, admin).text == "ok")

    def _get(self, url: str, headers: dict[str, str]) -> httpx.Response:
        trust = ssl.create_default_context(cafile=str(self.identities.authority))
        return httpx.get(url, headers=headers, verify=trust, timeout=5)

    def _start_the_others(self) -> None:
        who, programs = self.identities, self.parts.kubernetes
        self._start(
            "controllers", programs / "kube-controller-manager", f"--kubeconfig={self.kubeconfig('controllers')}",
            f"--service-account-private-key-file={who.key}", f"--root-ca-file={who.authority}",
            "--use-service-account-credentials", "--leader-elect=false", "--secure-port=0",
            "--kube-api-qps=200", "--kube-api-burst=400", "--horizontal-pod-autoscaler-sync-period=2s",
        )  # fmt: skip
        self._start(
            "scheduler", programs / "kube-scheduler", f"--kubeconfig={self.kubeconfig('scheduler')}",
            "--leader-elect=false", "--secure-port=0",
        )  # fmt: skip
        plays = self.folder / "stages.yaml"
        plays.write_text(stages(self.parts.stages))
        self._start(
            "kwok", self.parts.kwok / "kwok", f"--kubeconfig={self.kubeconfig('kwok')}", f"--config={plays}",
            "--manage-all-nodes", "--node-ip=127.0.0.1",
        )  # fmt: skip

    def _start(self, name: str, *command: str | Path) -> None:
        with self.log(name).open("wb") as log:
            self._running[name] = subprocess.Popen(
                [str(each) for each in command],
                cwd=self.folder, env={**os.environ, "HOME": str(self.folder)},
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, preexec_fn=_die_with_parent,  # noqa: PLW1509  # no thread is there yet
            )  # fmt: skip

    def log(self, name: str) -> Path:
        """What a part says."""
        return self.folder / f"{name}.log"

    def check(self) -> None:
        """PartFailed, when one has ended."""
        for name, process in self._running.items():
            if process.poll() is not None:
                last = self.log(name).read_text(errors="replace")[-1500:]
                raise PartFailed(f"{name} ended with {process.returncode}; its last words:\n{last}")

    def _wait(self, name: str, is_ready: Callable[[], bool]) -> None:
        patience = time.monotonic() + READY_SECONDS
        while True:
            self.check()
            try:
                if is_ready():
                    return
            except httpx.HTTPError as error:
                said = str(error)
            else:
                said = "it is not ready yet"
            if time.monotonic() > patience:
                last = self.log(name).read_text(errors="replace")[-1500:]
                raise PartFailed(f"{name} is not ready after {READY_SECONDS:.0f} s ({said}); its last words:\n{last}")
            time.sleep(0.1)

    def _stop(self, name: str) -> None:
        process = self._running.pop(name, None)
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
