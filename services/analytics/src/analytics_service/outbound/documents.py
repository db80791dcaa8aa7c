"""Facts, notes and sheets as documents of MongoDB and Elasticsearch, and back."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import date, datetime
from typing import Any

from analytics_service.domain.calendar import OrganizerZone
from analytics_service.domain.facts import Fact, FiledFact, Kind, Line, SheetKey, ToCount, ToShow
from analytics_service.domain.figures import Figures
from analytics_service.domain.sales import Sheet

FIGURES = tuple(each.name for each in fields(Figures))


def fact_document(filed: FiledFact) -> dict[str, Any]:
    """A fact. `version` is that of the organizer whose zone it is."""
    fact = filed.fact
    return {
        "_id": fact.id,
        "version": filed.zone.version,
        "zone": filed.zone.name,
        "day": filed.day.isoformat(),
        "kind": fact.kind.value,
        "organizer": fact.organizer,
        "event": fact.event,
        "booking": fact.booking,
        "payment": fact.payment,
        "time": fact.time,
        "lines": [line_document(line) for line in fact.lines],
    }


def filed_fact(document: Mapping[str, Any]) -> FiledFact:
    """The reverse."""
    return FiledFact(
        fact=Fact(
            id=document["_id"],
            kind=Kind(document["kind"]),
            organizer=document["organizer"],
            event=document["event"],
            booking=document["booking"],
            payment=document["payment"],
            time=document["time"],
            lines=tuple(line_of(each) for each in document["lines"]),
        ),
        zone=OrganizerZone(document["organizer"], document["version"], document["zone"]),
    )


def to_count_document(note: ToCount) -> dict[str, Any]:
    """A note of what is to be counted."""
    touched = [{**key_document(key), "since": since} for key, since in note.touched.items()]
    return {"_id": note.id, "touched": touched}


def to_count(document: Mapping[str, Any]) -> ToCount:
    """The reverse."""
    return ToCount.of(document["_id"], [(key_of(each), each["since"]) for each in document["touched"]])


def to_show_document(note: ToShow) -> dict[str, Any]:
    """A note of what is to be shown, whole, so that nothing has to be looked up for it."""
    return {"_id": note.id, "count": len(note.facts), "facts": [fact_document(each) for each in note.facts]}


def to_show(document: Mapping[str, Any]) -> ToShow:
    """The reverse."""
    return ToShow(document["_id"], tuple(filed_fact(each) for each in document["facts"]))


def sheet_document(sheet: Sheet) -> dict[str, Any]:
    """A sheet; the store adds `version`."""
    lines = [line_document(line) for line in sheet.lines]
    return {**key_document(sheet.key), "lines": lines, "newest": sheet.newest}


def sheet_of(document: Mapping[str, Any]) -> Sheet:
    """The reverse; those of earlier releases do not say `newest`."""
    return Sheet(key_of(document), tuple(line_of(each) for each in document["lines"]), document.get("newest"))


def key_document(key: SheetKey) -> dict[str, Any]:
    """The key of a sheet, as fields of it and of notes about it."""
    return {"organizer": key.organizer, "day": key.day.isoformat(), "event": key.event}


def key_of(document: Mapping[str, Any]) -> SheetKey:
    """The reverse."""
    return SheetKey(document["organizer"], date.fromisoformat(document["day"]), document["event"])


def sheet_id(key: SheetKey) -> str:
    """`_id` of a sheet."""
    return f"{key.organizer}|{key.day.isoformat()}|{key.event}"


def line_document(line: Line) -> dict[str, Any]:
    """Figures that are zero are left out, and the event's currency where it is no other one."""
    counted = {name: figure for name, figure in asdict(line.figures).items() if figure}
    base = {"base": line.base} if line.base else {}
    return {"ticket_type": line.ticket_type, "currency": line.currency, **base, **counted}


def line_of(document: Mapping[str, Any]) -> Line:
    """The reverse."""
    figures = Figures(**{name: document.get(name, 0) for name in FIGURES})
    return Line(document["ticket_type"], document["currency"], figures, document.get("base", ""))


def shown_documents(filed: FiledFact) -> dict[str, dict[str, Any]]:
    """What Elasticsearch gets: a document a line by its id, which is the domain event's; from the second on `-2`, …"""
    fact, local = filed.fact, filed.zone.local(filed.fact.time)
    told = {
        "domain_event": fact.id,
        "kind": fact.kind.value,
        "organizer": fact.organizer,
        "event": fact.event,
        "booking": fact.booking,
        "payment": fact.payment,
        "time": millis(fact.time),
        "zone": filed.zone.name,
        "day": filed.day.isoformat(),
        "week": "{:04}-W{:02}".format(*local.isocalendar()[:2]),
        "hour": local.hour,
    }
    return {
        fact.id if number == 1 else f"{fact.id}-{number}": {**told, "line": number, **line_document(line)}
        for number, line in enumerate(fact.lines, 1)
    }


def millis(instant: datetime) -> int:
    """Milliseconds since 1970."""
    return round(instant.timestamp() * 1000)
