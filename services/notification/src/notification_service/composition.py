"""Puts the notification service together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chassis import open_chassis
from domain_kit.clock import utc_now
from grpc_runtime import Service, Worker
from mongo_store import Schema
from notification_service.inbound.consumers import MailCauses
from notification_service.inbound.postman import Postman
from notification_service.inbound.servicer import NotificationServicer
from notification_service.metrics import count_business, queue_figures
from notification_service.outbound.repositories import INDEXES, MongoNotifications, ToldByOthers
from notification_service.outbound.smtp_lines import SmtpLines
from notification_service.outbound.smtp_post import SmtpPost
from notification_service.outbound.writing import Writer
from notification_service.settings import Settings
from resilience import Breaker, Resilient
from resource_api import PageTokens
from telemetry import Metrics
from usher.notification.v1.notification_service_pb2_grpc import add_NotificationServiceServicer_to_server

SCHEMA = Schema(INDEXES)
READ_GAP = 1.0  # seconds; while letters keep coming one may wait so long, and many share their statements


@asynccontextmanager
async def build(settings: Settings, metrics: Metrics) -> AsyncIterator[Service]:
    """The running parts, for as long as the context lasts."""
    async with open_chassis(settings, metrics, SCHEMA) as chassis:
        count_business(metrics)
        notifications = MongoNotifications(chassis.journal)
        writer = Writer()
        guard = Resilient("smtp", timeout=15.0, breaker=Breaker("smtp", metrics=metrics.calls), metrics=metrics.calls)
        lines = SmtpLines(settings.smtp_host, settings.smtp_port)
        post = SmtpPost(lines, settings.mail_from, settings.mail_domain, writer, guard)
        postman = Postman(notifications, post, chassis.outbox, utc_now, queue_figures(metrics))
        causes = MailCauses(notifications, ToldByOthers.of(chassis.database), utc_now)
        page_tokens = PageTokens(settings.page_token_key)
        yield Service(
            servicers=[
                (
                    add_NotificationServiceServicer_to_server,
                    NotificationServicer(notifications, page_tokens, writer.subject),
                )
            ],
            workers=[
                *chassis.workers(*causes.subscriptions(), read_gap=READ_GAP),
                Worker("postman", postman.run, postman.stop),
            ],
            health=chassis.health,
            key_cache=chassis.key_cache,
        )
