"""The whole service in process: real interceptors, rpcs over a channel, a real MongoDB wire; no Kafka."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import pytest

from domain_kit.ids import new_id
from mongo_store import Journal, MongoOutbox, open_database
from telemetry import Metrics
from testkit.calls import Calls, CallSettings, calls_to
from user_service.composition import build
from user_service.settings import Settings
from usher.user.v1 import domain_events_pb2
from usher.user.v1 import user_service_pb2 as pb
from usher.user.v1.user_service_pb2_grpc import UserServiceStub

PASSWORD = "seven kayaks in line"


@dataclass
class Running:
    """A started service and what tests often do with it."""

    calls: Calls
    stub: Any
    outbox: MongoOutbox
    journal: Journal

    PASSWORD = PASSWORD

    async def register(self, email: str, **fields: Any) -> Any:
        fields = {"password": PASSWORD, "display_name": "Ada", **fields}
        return await self.stub.RegisterUser(pb.RegisterUserRequest(email=email, **fields))

    async def link(self, email: str) -> str:
        """The token mailed last to an address."""
        found = [
            domain_events_pb2.EmailVerificationRequested.FromString(event.payload)
            async for event in self.outbox.everything()
            if event.type.endswith("EmailVerificationRequested")
        ]
        return [each.token for each in found if each.user.email == email][-1]

    async def sign_in(self, email: str, password: str = PASSWORD) -> Any:
        return await self.stub.SignIn(pb.SignInRequest(email=email, password=password))

    async def signed_in(self, email: str) -> tuple[Any, Any]:
        """A new verified account: its tokens and the metadata of its calls."""
        await self.register(email)
        await self.stub.VerifyEmail(pb.VerifyEmailRequest(token=await self.link(email), password=PASSWORD))
        tokens = await self.sign_in(email)
        return tokens, self.bearer(tokens)

    async def refreshed(self, tokens: Any) -> tuple[Any, Any]:
        tokens = await self.stub.RefreshTokens(pb.RefreshTokensRequest(refresh_token=tokens.refresh_token))
        return tokens, self.bearer(tokens)

    @staticmethod
    def bearer(tokens: Any) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {tokens.access_token}"),)


@pytest.fixture
def settings(mongo_uri: str) -> Settings:
    return Settings(
        mongodb_uri=mongo_uri,
        kafka_brokers="127.0.0.1:9",
        page_token_key=b"a key for tests only, 32 bytes..",
        argon2_memory_kib=64,
        argon2_passes=1,
        refresh_retry_seconds=60.0,
    )


@pytest.fixture
async def usher(mongo_uri: str, settings: Settings) -> Any:
    name = f"test_{new_id()}"

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Own(Settings):
        database: str = name

    own = Own(**dataclasses.asdict(settings))
    async with (
        build(own, Metrics("user")) as service,
        calls_to(service, CallSettings(service="user", token_issuer=own.token_issuer)) as calls,
        open_database(mongo_uri, name) as database,
    ):
        journal = Journal(database)
        yield Running(calls, UserServiceStub(calls.channel), MongoOutbox(journal), journal)
        await database.client.drop_database(name)
