"""A check-in list as a JSON Web Signature over canonical JSON (RFC 7515, RFC 8037, RFC 8785)."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from google.protobuf import json_format

from booking_service.check_in_wire import check_in_list_to_wire
from booking_service.domain.check_in_list import CheckInList
from booking_service.domain.check_in_ports import ListSigner
from booking_service.domain.list_extract import ListedTicket

CONTENT_TYPE = "application/jose"
PIECE = 1024 * 1024


async def signed_list(
    check_in_list: CheckInList, pages: AsyncIterator[Sequence[ListedTicket]], signer: ListSigner, now: datetime
) -> AsyncIterator[bytes]:
    """The compact form in pieces of 1 MiB."""
    tickets = [_canonical([_ticket(each) for each in page])[1:-1] async for page in pages if page]
    head = {
        "checkInList": json_format.MessageToDict(check_in_list_to_wire(check_in_list)),
        "event": check_in_list.event,
    }
    # Members in the order of their names, as RFC 8785 asks: checkInList, event, tickets, time.
    time = now.isoformat().replace("+00:00", "Z")
    payload = b"".join(
        [_canonical(head)[:-1], b',"tickets":[', b",".join(tickets), b'],"time":', _canonical(time), b"}"]
    )
    signed = await asyncio.to_thread(_sign, payload, signer)
    for piece in _pieces(signed):
        yield piece


def _sign(payload: bytes, signer: ListSigner) -> bytes:
    header = {"alg": "EdDSA", "kid": str(signer.signing_key), "typ": "usher-check-in-list+jws"}
    content = _base64url(_canonical(header)) + b"." + _base64url(payload)
    return content + b"." + _base64url(signer.sign(content))


def _ticket(ticket: ListedTicket) -> Mapping[str, Any]:
    said = {
        "id": ticket.name.rpartition("/")[2],
        "booking": ticket.name.split("/")[3],
        "type": ticket.ticket_type.rpartition("/")[2],
        "date": ticket.date.rpartition("/")[2],
        "seat": ticket.seat,
        "valid": ticket.valid,
        "code": _base64url(ticket.code).decode(),
        "used": ticket.used,
        "outside": ticket.outside,
        "attendee": ticket.attendee,
    }
    return {name: value for name, value in said.items() if value or name == "valid"}


def _canonical(value: object) -> bytes:
    """RFC 8785 for texts, whole numbers below 2^53 and booleans, which is all that stands in a list."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _base64url(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


def _pieces(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), PIECE):
        yield content[start : start + PIECE]
