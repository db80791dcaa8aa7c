"""The service as a process: starts without Kafka, says nothing secret, ends in order."""

import asyncio
import os
import signal
import sys

import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from domain_kit.ids import new_id
from testkit.noida import free_port
from usher.user.v1 import user_service_pb2 as pb
from usher.user.v1.user_service_pb2_grpc import UserServiceStub

PASSWORD = "seven kayaks in line"


async def test_the_process_serves_without_kafka_logs_no_secret_and_ends_on_sigterm(mongo_uri):
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "USHER_MONGODB_URI": mongo_uri,
        "USHER_KAFKA_BROKERS": "127.0.0.1:9",
        "USHER_PAGE_TOKEN_KEY": new_id() * 2,
        "USHER_GRPC_PORT": str(port),
        "USHER_LOG_LEVEL": "DEBUG",
        "USHER_ARGON2_MEMORY_KIB": "64",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "user_service", env=environment,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    email = f"{new_id()}@example.com"
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            async with asyncio.timeout(30):
                await channel.channel_ready()
            stub, health = UserServiceStub(channel), health_pb2_grpc.HealthStub(channel)
            answer = await health.Check(health_pb2.HealthCheckRequest(service="usher.user.v1.UserService"))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
            await stub.RegisterUser(pb.RegisterUserRequest(email=email, password=PASSWORD, display_name="Ada"))
            for password, code in (
                (PASSWORD, grpc.StatusCode.FAILED_PRECONDITION),
                ("a wrong kayak today", grpc.StatusCode.UNAUTHENTICATED),
            ):
                with pytest.raises(grpc.aio.AioRpcError) as refusal:
                    await stub.SignIn(pb.SignInRequest(email=email, password=password))
                assert refusal.value.code() is code
    finally:
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(20):
            log, _ = await process.communicate()
    assert process.returncode == 0
    assert b'"service"' in log
    for secret in (PASSWORD, "wrong kayak", "argon2id", email, environment["USHER_PAGE_TOKEN_KEY"]):
        assert secret.encode() not in log
