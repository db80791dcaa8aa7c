"""A user sees their own notifications."""

from collections.abc import AsyncIterator

import pytest

from domain_kit.clock import utc_now
from domain_kit.ids import new_id
from domain_kit.refusals import InvalidArgument, PermissionDenied
from domain_kit.repository import Cause
from mongo_store import Journal, open_database
from notification_service.composition import build
from notification_service.domain.letter import Letter
from notification_service.domain.notification import queued
from notification_service.outbound.repositories import MongoNotifications
from notification_service.settings import Settings
from telemetry import Metrics
from testkit.calls import Calls, calls_to
from usher.notification.v1 import notification_pb2
from usher.notification.v1 import notification_service_pb2 as pb
from usher.notification.v1.notification_service_pb2_grpc import NotificationServiceStub

USER = f"users/{new_id()}"


@pytest.fixture
async def calls(mongodb: str, mail_server) -> AsyncIterator[Calls]:
    settings = Settings(
        service=f"notification_{new_id()[-8:]}",
        mongodb_uri=mongodb,
        kafka_brokers="127.0.0.1:1",
        page_token_key=b"0" * 32,
        smtp_host="127.0.0.1",
        smtp_port=mail_server.port,
        mail_from="Usher <tickets@usher.example>",
    )
    async with open_database(mongodb, settings.database) as database:
        notifications = MongoNotifications(Journal(database))
        for number in range(5):
            letter = Letter("email_verification", "en", (("name", "Ada"), ("token", str(number))))
            made, facts = queued(USER, "ada@example.org", new_id(), USER, letter, utc_now())
            await notifications.create(made, facts, cause=Cause(new_id()))
    async with build(settings, Metrics("notification")) as service, calls_to(service) as calls:
        yield calls


async def test_a_user_lists_and_reads_their_own(calls: Calls) -> None:
    stub, metadata = NotificationServiceStub(calls.channel), calls.bearer(USER)
    first = await stub.ListNotifications(pb.ListNotificationsRequest(parent=USER, page_size=3), metadata=metadata)
    request = pb.ListNotificationsRequest(parent=USER, page_size=3, page_token=first.next_page_token)
    second = await stub.ListNotifications(request, metadata=metadata)
    listed = [*first.notifications, *second.notifications]
    assert len({each.name for each in listed}) == 5
    one = await stub.GetNotification(pb.GetNotificationRequest(name=listed[0].name), metadata=metadata)
    assert (one.subject, one.recipient, one.channel) == (
        "Your verification code",
        "ada@example.org",
        notification_pb2.CHANNEL_EMAIL,
    )


async def test_nobody_else_does(calls: Calls) -> None:
    stub = NotificationServiceStub(calls.channel)
    with pytest.raises(PermissionDenied):
        await stub.ListNotifications(
            pb.ListNotificationsRequest(parent=USER), metadata=calls.bearer(f"users/{new_id()}")
        )


async def test_a_forged_page_token_is_refused(calls: Calls) -> None:
    stub = NotificationServiceStub(calls.channel)
    with pytest.raises(InvalidArgument) as caught:
        await stub.ListNotifications(
            pb.ListNotificationsRequest(parent=USER, page_token="AAAA"), metadata=calls.bearer(USER)
        )
    assert [each.field for each in caught.value.violations] == ["page_token"]
