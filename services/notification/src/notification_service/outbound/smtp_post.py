"""Mail over SMTP."""

import logging
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

import aiosmtplib

from domain_kit.crash_points import crash_point
from domain_kit.refusals import Unavailable
from notification_service.domain.notification import Notification
from notification_service.domain.ports import PermanentFailure
from notification_service.outbound.attachments import calendar_entry, qr_png
from notification_service.outbound.invoice_papers import invoice_pdf, number_of
from notification_service.outbound.mime import Attachment, NoAddress, mail, mailbox_of, subject_of
from notification_service.outbound.smtp_lines import SmtpLines
from notification_service.outbound.smtp_talk import Mail
from notification_service.outbound.writing import Writer
from resilience import Resilient
from telemetry import continue_from, span

log = logging.getLogger(__name__)


class SmtpPost:
    """domain.ports.Post. `domain` is what Message-IDs end in; `guard` holds time limit and breaker."""

    def __init__(self, lines: SmtpLines, sender: str, domain: str, writer: Writer, guard: Resilient) -> None:
        self._lines, self._domain = lines, domain
        self._writer, self._guard = writer, guard
        self._sender, self._from = parseaddr(sender)[1], _from_header(sender)

    async def send(self, notification: Notification) -> None:
        """Return when the next server took it; PermanentFailure, Unavailable."""
        try:
            letter = Mail(self._sender, mailbox_of(notification.recipient), self.compose(notification))
        except NoAddress as error:
            raise PermanentFailure("No address") from error
        with (
            continue_from(notification.traceparent, notification.correlation_id),
            span("send mail", "client", template=notification.letter.template),
        ):
            failure = await self._guard.call(self._hand_over, letter)
            if failure:
                raise PermanentFailure(failure)
            log.debug("mail handed over", extra={"notification": notification.name})

    async def rest(self) -> None:
        """Hang up."""
        await self._lines.hang_up()

    def compose(self, notification: Notification) -> bytes:
        """The message; composed again it is the same. NoAddress; ValueError where it cannot be written."""
        letter, written = notification.letter, self._writer.write(notification.letter)
        headers = [
            ("From", self._from),
            ("To", mailbox_of(notification.recipient)),
            ("Subject", subject_of(written.subject)),
            ("Date", format_datetime(notification.create_time)),
            ("Message-ID", f"<{notification.cause}@{self._domain}>"),
            ("Auto-Submitted", "auto-generated"),  # RFC 3834: keeps out-of-office answers away
            ("Content-Language", written.language_code),
        ]
        attachments = [
            Attachment("image/png", f"ticket-{number}.png", qr_png(admission.code))
            for number, admission in enumerate(letter.admissions, 1)
        ]
        if letter.occasion is not None and letter.admissions:
            entry = calendar_entry(letter.occasion, notification.resource, notification.create_time)
            kind = 'text/calendar; charset="utf-8"; method="PUBLISH"'
            attachments.append(Attachment(kind, "event.ics", entry))
        if letter.invoice:
            paper = invoice_pdf(letter.invoice, letter.language_code)
            attachments.append(Attachment("application/pdf", f"{number_of(letter.invoice)}.pdf", paper))
        return mail(headers, written.text, written.html, attachments, seed=notification.cause)

    async def _hand_over(self, letter: Mail) -> str:
        """Why it will never be taken, empty when it was; that is no fault of the server, so no exception."""
        try:
            crash_point("notification.before_smtp")
            await self._lines.send(letter)
            crash_point("notification.after_smtp")
        except aiosmtplib.SMTPResponseException as error:
            if 500 <= error.code < 600:
                return f"SMTP {error.code}"
            raise Unavailable("SMTP_UNAVAILABLE", f"The mail server answered {error.code}.") from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise Unavailable("SMTP_UNAVAILABLE", "The mail server does not answer.") from error
        return ""


def _from_header(sender: str) -> str:
    """Its value, with a display name in encoded words where it needs them."""
    message = EmailMessage()
    message["From"] = sender
    folded: str = message.policy.fold("From", message["From"])
    return folded.removeprefix("From: ").rstrip("\n").replace("\n", "\r\n")
