"""usher.notification.v1.Notification from the domain."""

from notification_service.domain.notification import Notification, State
from resource_api import time_to_wire
from usher.notification.v1 import notification_pb2 as pb

STATES = {state: pb.NotificationState.Value(f"NOTIFICATION_STATE_{state.name}") for state in State}


def notification_to_wire(notification: Notification, subject: str) -> pb.Notification:
    """The message; `subject` is the line as written in the user's language."""
    return pb.Notification(
        name=notification.name,
        channel=pb.CHANNEL_EMAIL,
        template=notification.letter.template,
        cause=notification.cause,
        resource=notification.resource,
        subject=subject,
        recipient=notification.recipient,
        state=STATES[notification.state],
        attempts=notification.attempts,
        create_time=time_to_wire(notification.create_time),
        deliver_time=time_to_wire(notification.deliver_time),
        failure=notification.failure,
    )
