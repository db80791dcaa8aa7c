"""What one machine's gRPC and Envoy come to with nothing of ours on the way, to tell speeds of machines apart.

A service of one method, answered from memory, without interceptors, behind an Envoy that only transcodes:
`python tests/load/bare_rpc.py` says how many calls a second. Bounds in payments a second were set where this did
`REFERENCE` of them.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import grpc
import wrk
from google.api.httpbody_pb2 import HttpBody
from load_client import run_job

from gateway_config import descriptor_image
from local_stack.embedded import installed_script
from local_stack.ports import choose_ports
from local_stack.readiness import LOOPBACK, NotReady, accepts
from usher.user.v1 import user_service_pb2 as pb

# Calls a second of a 2-core machine with this path, least and most, from which the bounds of payments a second come.
REFERENCE = (4000, 6000)
CLIENTS, SECONDS, ROUNDS, READY_SECONDS = 32, 3.0, 3, 20.0
PATH, SERVICE = "/.well-known/jwks.json", "usher.user.v1.UserService"
FILTERS = "type.googleapis.com/envoy.extensions.filters"


async def _serve(port: int) -> None:
    async def answer(request: pb.GetJsonWebKeySetRequest, context: grpc.aio.ServicerContext) -> HttpBody:
        return HttpBody(content_type="application/json", data=b'{"keys":[]}')

    method = grpc.unary_unary_rpc_method_handler(
        answer, pb.GetJsonWebKeySetRequest.FromString, HttpBody.SerializeToString
    )
    server = grpc.aio.server()
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, {"GetJsonWebKeySet": method})])
    server.add_insecure_port(f"{LOOPBACK}:{port}")
    await server.start()
    await server.wait_for_termination()


def _envoy(listens: int, service: int) -> str:
    """As little as it takes to call the service over HTTP/JSON."""
    transcoder = {
        "@type": f"{FILTERS}.http.grpc_json_transcoder.v3.GrpcJsonTranscoder",
        "proto_descriptor": str(descriptor_image()),
        "services": [SERVICE],
    }
    route = {"match": {"prefix": "/"}, "route": {"cluster": "bare"}}
    connections = {
        "@type": f"{FILTERS}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bare",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [
            {"name": "envoy.filters.http.grpc_json_transcoder", "typed_config": transcoder},
            {"name": "envoy.filters.http.router", "typed_config": {"@type": f"{FILTERS}.http.router.v3.Router"}},
        ],
    }
    versions = {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http2_protocol_options": {}},
    }
    cluster = {
        "name": "bare",
        "type": "STATIC",
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": versions},
        "load_assignment": {
            "cluster_name": "bare",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _address(service)}}]}],
        },
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": connections}]}
    listener = {"name": "bare", "address": _address(listens), "filter_chains": [chain]}
    return json.dumps({"static_resources": {"listeners": [listener], "clusters": [cluster]}})


def _address(port: int) -> dict[str, object]:
    return {"socket_address": {"address": LOOPBACK, "port_value": port}}


def bare_rpcs(rounds: int = ROUNDS, seconds: float = SECONDS) -> list[float]:
    """Calls a second of 32 clients, round by round."""
    with tempfile.TemporaryDirectory(prefix="usher-bare-") as name:
        folder = Path(name)
        service, listens = choose_ports(["service", "gateway"]).values()
        (folder / "envoy.yaml").write_text(_envoy(listens, service))
        envoy = (*(installed_script("envoy"), "-c", str(folder / "envoy.yaml")), "--disable-hot-restart")
        commands = ((sys.executable, __file__, str(service)), (*envoy, "--concurrency", "2", "--log-level", "error"))
        processes = [subprocess.Popen(command) for command in commands]
        try:
            asyncio.run(_wait_for(service, listens))
            job = {
                "host": LOOPBACK, "port": listens, "tokens": [""] * CLIENTS, "prefix": "b", "seconds": seconds,
                "warm_seconds": 0.3, "variants": [[{"method": "GET", "path": PATH}]],
            }  # fmt: skip
            program, found = wrk.find(), list[float]()
            for _ in range(rounds):
                told = wrk.run(program, job, folder) if program else asyncio.run(run_job(job))
                if not told["latencies"]:
                    raise ConnectionError(f"the bare rpc was not answered: {told['statuses']}")
                found.append(len(told["latencies"]) / told["seconds"])
            return found
        finally:
            for process in processes:
                process.kill()
                process.wait()


async def _wait_for(*ports: int) -> None:
    async with asyncio.timeout(READY_SECONDS):
        for port in ports:
            while True:
                try:
                    await accepts(port)()
                    break
                except NotReady:
                    await asyncio.sleep(0.05)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(_serve(int(sys.argv[1])))
    else:
        print(f"{median(bare_rpcs()):,.0f} calls a second")
