"""The folder the mail catcher fills: one file for each Message-ID, as stores that suppress duplicates do."""

import hashlib
import json
import os
import re
from collections import Counter
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from pathlib import Path

DELIVERIES = "deliveries.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaughtMail:
    """One message; `deliveries` counts how often it was handed over, repeats of the same Message-ID included."""

    id: str
    message_id: str
    sender: str
    recipients: tuple[str, ...]
    subject: str
    date: str
    text: str
    html: str
    attachments: tuple[str, ...]
    deliveries: int
    path: Path


def keep(folder: Path, raw: bytes, recipients: list[str], received_at: str) -> bool:
    """Store a message durably and note the delivery; False when its Message-ID was there before."""
    folder.mkdir(parents=True, exist_ok=True)
    message_id = _message_id(raw) or f"<{hashlib.sha256(raw).hexdigest()}@unidentified>"
    path = folder / f"{_file_id(message_id)}.eml"
    fresh = not path.exists()
    if fresh:
        partial = path.with_suffix(".part")
        with partial.open("wb") as stream:
            stream.write(raw)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    delivery = {"id": path.stem, "message_id": message_id, "recipients": recipients, "received_at": received_at}
    with (folder / DELIVERIES).open("a") as stream_of_deliveries:
        stream_of_deliveries.write(json.dumps(delivery) + "\n")
    return fresh


def _message_id(raw: bytes) -> str:
    """Read from the headers alone: to take a whole mail apart costs more than everything else here."""
    head = re.split(rb"\r?\n\r?\n", raw, maxsplit=1)[0]
    found = BytesHeaderParser(policy=policy.compat32).parsebytes(head)["Message-ID"]
    return "".join(str(found or "").split())


def caught(folder: Path) -> list[CaughtMail]:
    """All messages in the folder, the oldest first."""
    if not folder.is_dir():
        return []
    deliveries = _deliveries(folder)
    paths = sorted(folder.glob("*.eml"), key=lambda path: (path.stat().st_mtime_ns, path.name))
    return [_parse(path, deliveries) for path in paths]


def _deliveries(folder: Path) -> Counter[str]:
    log = folder / DELIVERIES
    lines = log.read_text().splitlines() if log.exists() else []
    return Counter(str(json.loads(line)["id"]) for line in lines if line.endswith("}"))


def _parse(path: Path, deliveries: Counter[str]) -> CaughtMail:
    message: EmailMessage = message_from_bytes(path.read_bytes(), policy=policy.default)
    return CaughtMail(
        id=path.stem,
        message_id=str(message["Message-ID"] or ""),
        sender=str(message["From"] or ""),
        recipients=tuple(address.strip() for address in str(message["To"] or "").split(",") if address.strip()),
        subject=str(message["Subject"] or ""),
        date=str(message["Date"] or ""),
        text=_body(message, "plain"),
        html=_body(message, "html"),
        attachments=tuple(part.get_filename() or part.get_content_type() for part in message.iter_attachments()),
        deliveries=deliveries[path.stem],
        path=path,
    )


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body(preferencelist=(kind,))
    return str(part.get_content()).replace("\r\n", "\n") if part is not None else ""


def _file_id(message_id: str) -> str:
    return hashlib.sha256(message_id.encode()).hexdigest()[:16]
