"""Mail over SMTP."""

import asyncio
import socket
from email.message import EmailMessage
from email.utils import format_datetime

import aiosmtplib

from domain_kit.crash_points import crash_point
from domain_kit.refusals import Unavailable
from notification_service.domain.notification import Notification
from notification_service.domain.ports import PermanentFailure
from notification_service.outbound.attachments import calendar_entry, qr_png
from notification_service.outbound.writing import Writer
from resilience import Resilient

CONNECT_SECONDS = 10.0


class SmtpPost:
    """domain.ports.Post. `domain` is what Message-IDs end in; `guard` holds time limit and breaker."""

    def __init__(self, host: str, port: int, sender: str, domain: str, writer: Writer, guard: Resilient) -> None:
        self._host, self._port, self._sender, self._domain = host, port, sender, domain
        self._writer, self._guard = writer, guard
        self._own_name: str | None = None

    async def send(self, notification: Notification) -> None:
        """Return when the next server took it; PermanentFailure, Unavailable."""
        message = self.compose(notification)
        failure = await self._guard.call(self._hand_over, message)
        if failure:
            raise PermanentFailure(failure)

    def compose(self, notification: Notification) -> EmailMessage:
        """The message; composed again it is the same, Message-ID included."""
        letter, written = notification.letter, self._writer.write(notification.letter)
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = notification.recipient
        message["Subject"] = written.subject
        message["Date"] = format_datetime(notification.create_time)
        message["Message-ID"] = f"<{notification.cause}@{self._domain}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: keeps out-of-office answers away
        message["Content-Language"] = written.language_code
        message.set_content(written.text)
        message.add_alternative(written.html, subtype="html")
        for number, admission in enumerate(letter.admissions, 1):
            message.add_attachment(
                qr_png(admission.code), maintype="image", subtype="png", filename=f"ticket-{number}.png"
            )
        if letter.occasion is not None and letter.admissions:
            entry = calendar_entry(letter.occasion, notification.resource, notification.create_time)
            message.add_attachment(
                entry, maintype="text", subtype="calendar", filename="event.ics", params={"method": "PUBLISH"}
            )
        return message

    async def _hand_over(self, message: EmailMessage) -> str:
        """Why it will never be taken, empty when it was; that is no fault of the server, so no exception."""
        try:
            crash_point("notification.before_smtp")
            await aiosmtplib.send(
                message,
                hostname=self._host,
                port=self._port,
                timeout=CONNECT_SECONDS,
                local_hostname=await self._name(),
            )
            crash_point("notification.after_smtp")
        except (aiosmtplib.SMTPRecipientsRefused, aiosmtplib.SMTPResponseException) as error:
            code = _code_of(error)
            if 500 <= code < 600:
                return f"SMTP {code}"
            raise Unavailable("SMTP_UNAVAILABLE", f"The mail server answered {code}.") from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise Unavailable("SMTP_UNAVAILABLE", "The mail server does not answer.") from error
        return ""

    async def _name(self) -> str:
        """What this machine is called, for EHLO; looked up once, since each lookup takes a thread."""
        if self._own_name is None:
            self._own_name = await asyncio.to_thread(socket.getfqdn)
        return self._own_name


def _code_of(error: aiosmtplib.SMTPException) -> int:
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return max((each.code for each in error.recipients), default=0)
    return error.code if isinstance(error, aiosmtplib.SMTPResponseException) else 0
