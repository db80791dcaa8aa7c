"""Puts the user service together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from importlib.resources import files

from chassis import open_chassis
from domain_kit.clock import utc_now
from grpc_runtime import Service, Worker
from mongo_store import Schema
from resource_api import PageTokens
from telemetry import Metrics
from user_service.domain.passwords import WeakPasswords
from user_service.inbound.servicer import UserServicer
from user_service.inbound.workers import Periodic, idle_sessions
from user_service.metrics import count_business
from user_service.outbound.access_tokens import SignedAccessTokens
from user_service.outbound.password_hashing import open_passwords
from user_service.outbound.repositories import INDEXES, MongoOrganizers, MongoSessions, MongoUsers
from user_service.outbound.sign_in_failures import INDEXES as FAILURE_INDEXES
from user_service.outbound.sign_in_failures import MongoSignInFailures
from user_service.outbound.signing_keys import SigningKeys
from user_service.settings import Settings
from usher.user.v1.user_service_pb2_grpc import add_UserServiceServicer_to_server

KEYS_READ_EVERY = 60.0
SCHEMA = Schema.of(INDEXES, FAILURE_INDEXES)


@asynccontextmanager
async def build(settings: Settings, metrics: Metrics) -> AsyncIterator[Service]:
    """The running parts, for as long as the context lasts."""
    async with (
        open_chassis(settings, metrics, SCHEMA) as chassis,
        open_passwords(
            memory_kib=settings.argon2_memory_kib,
            passes=settings.argon2_passes,
            lanes=settings.argon2_lanes,
            threads=settings.argon2_threads,
            metrics=metrics.bulkheads,
        ) as passwords,
    ):
        count_business(metrics)
        keys = SigningKeys(chassis.journal, utc_now, settings.rotation)
        await keys.load()
        sessions, organizers = MongoSessions(chassis.journal), MongoOrganizers(chassis.journal)
        lifetime = timedelta(minutes=settings.access_token_minutes)
        servicer = UserServicer(
            users=MongoUsers(chassis.journal),
            sessions=sessions,
            organizers=organizers,
            failures=MongoSignInFailures(chassis.database, settings.lockout.memory),
            passwords=passwords,
            weak_passwords=common_passwords(),
            access_tokens=SignedAccessTokens(
                keys, organizers, issuer=settings.token_issuer, lifetime=lifetime, clock=utc_now
            ),
            key_set=keys.key_set,
            page_tokens=PageTokens(settings.page_token_key),
            secret=settings.page_token_key,
            lockout=settings.lockout,
            limits=settings.limits,
        )
        own = [
            idle_sessions(sessions, chassis.outbox, utc_now),
            Periodic("signing-keys", keys.load, KEYS_READ_EVERY),
        ]
        yield Service(
            servicers=[(add_UserServiceServicer_to_server, servicer)],
            workers=[*chassis.workers(), *(Worker(each.name, each.run, each.stop) for each in own)],
            health=chassis.health,
            keys=keys.verifying,
        )


def common_passwords() -> WeakPasswords:
    """The judge of passwords with the list this package brings."""
    text = files("user_service").joinpath("data/common_words.txt").read_text("utf-8")
    return WeakPasswords(word for line in text.splitlines() if not line.startswith("#") for word in line.split())
