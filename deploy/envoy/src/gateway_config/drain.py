"""`python -m gateway_config.drain ADMIN_PORT SECONDS` lets callers go before a gateway is stopped: Envoy just ends.

From the first moment each answer asks its caller to connect anew, which leads to another gateway. It returns when half
of the time is over and no call is under way (until then the network may still send new ones), at the latest after
SECONDS.
"""

import sys
import time
from urllib.request import Request, urlopen

LOOPBACK = "127.0.0.1"
PAUSE = 0.5


def drain(admin_port: int, seconds: float) -> None:
    """Returns when the gateway may be stopped. OSError where it does not answer."""
    began = time.monotonic()
    _ask(admin_port, "/healthcheck/fail", "POST")
    while (passed := time.monotonic() - began) < seconds:
        if passed >= seconds / 2 and not _calls_under_way(admin_port):
            return
        time.sleep(PAUSE)


def _calls_under_way(admin_port: int) -> bool:
    lines = _ask(admin_port, "/stats?filter=^http\\.gateway\\.downstream_rq_active$", "GET").splitlines()
    return any(int(line.rpartition(":")[2]) for line in lines)


def _ask(admin_port: int, path: str, method: str) -> str:
    with urlopen(Request(f"http://{LOOPBACK}:{admin_port}{path}", method=method), timeout=2) as answer:
        return str(answer.read(), "utf-8")


if __name__ == "__main__":
    drain(int(sys.argv[1]), float(sys.argv[2]))
