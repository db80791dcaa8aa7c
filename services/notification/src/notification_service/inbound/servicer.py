"""The rpcs of the notification service: parse, handle, encode."""

from collections.abc import Callable

from notification_service.domain.letter import Letter
from notification_service.domain.ports import Notifications
from notification_service.wire.notifications import notification_to_wire
from resource_api import PageTokens, page_size_of
from usher.notification.v1 import notification_pb2
from usher.notification.v1 import notification_service_pb2 as pb
from usher.notification.v1.notification_service_pb2_grpc import NotificationServiceServicer

Subject = Callable[[Letter], str]


class NotificationServicer(NotificationServiceServicer):
    """usher.notification.v1.NotificationService."""

    def __init__(self, notifications: Notifications, page_tokens: PageTokens, subject: Subject) -> None:
        self._notifications, self._tokens, self._subject = notifications, page_tokens, subject

    async def GetNotification(
        self, request: pb.GetNotificationRequest, context: object
    ) -> notification_pb2.Notification:
        notification = await self._notifications.get(request.name)
        return notification_to_wire(notification, self._subject(notification.letter))

    async def ListNotifications(
        self, request: pb.ListNotificationsRequest, context: object
    ) -> pb.ListNotificationsResponse:
        after = self._tokens.cursor_of(request)
        page = await self._notifications.of_user(request.parent, after, page_size_of(request))
        return pb.ListNotificationsResponse(
            notifications=[notification_to_wire(each, self._subject(each.letter)) for each in page.items],
            next_page_token=self._tokens.token_for(request, page.following),
        )
