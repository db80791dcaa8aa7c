"""Notifications, people and occasions as MongoDB documents and back."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from notification_service.domain.letter import Admission, Letter, Occasion
from notification_service.domain.notification import Notification, State
from notification_service.domain.people import Person

# Ticket codes, verification tokens, names: not in the journal, whose rows are kept for ever.
UNRECORDED = ("letter",)


def to_document(notification: Notification) -> dict[str, Any]:
    """The document of a notification; the store adds `_id` and `version`."""
    letter = notification.letter
    return {
        "user": notification.user,
        "recipient": notification.recipient,
        "cause": notification.cause,
        "resource": notification.resource,
        "letter": {
            "template": letter.template,
            "language_code": letter.language_code,
            "values": [list(pair) for pair in letter.values],
            "amounts": [list(amount) for amount in letter.amounts],
            "occasion": None if letter.occasion is None else asdict(letter.occasion),
            "admissions": [asdict(each) for each in letter.admissions],
            "moments": [list(moment) for moment in letter.moments],
            "invoice": letter.invoice,
        },
        "create_time": notification.create_time,
        "state": notification.state.value,
        "attempts": notification.attempts,
        "deliver_time": notification.deliver_time,
        "failure": notification.failure,
        "correlation_id": notification.correlation_id,
        "traceparent": notification.traceparent,
    }


def from_document(document: Mapping[str, Any]) -> Notification:
    """The notification of a document; its letter is empty in an answer from the journal."""
    return Notification(
        name=document["_id"],
        version=document["version"],
        user=document["user"],
        recipient=document["recipient"],
        cause=document["cause"],
        resource=document["resource"],
        letter=_letter(document["letter"]) if "letter" in document else Letter("", ""),
        create_time=document["create_time"],
        state=State(document["state"]),
        attempts=document["attempts"],
        deliver_time=document["deliver_time"],
        failure=document["failure"],
        correlation_id=document.get("correlation_id", ""),
        traceparent=document.get("traceparent", ""),
    )


def _letter(letter: Mapping[str, Any]) -> Letter:
    occasion = letter["occasion"]
    return Letter(
        template=letter["template"],
        language_code=letter["language_code"],
        values=tuple((name, text) for name, text in letter["values"]),
        amounts=tuple((name, minor_units, currency) for name, minor_units, currency in letter["amounts"]),
        occasion=Occasion(**occasion) if occasion else None,
        admissions=tuple(Admission(**each) for each in letter["admissions"]),
        moments=tuple((name, instant) for name, instant in letter.get("moments", ())),
        invoice=bytes(letter.get("invoice", b"")),
    )


def person_from_document(document: Mapping[str, Any]) -> Person:
    """The person of a projection document."""
    return Person(document["_id"], document["email"], document["display_name"], document["language_code"])


def occasion_from_document(document: Mapping[str, Any]) -> Occasion:
    """The occasion of a projection document."""
    return Occasion(**{name: value for name, value in document.items() if name not in ("_id", "version")})
