"""Facts and sheets as documents of MongoDB and Elasticsearch, and back."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import date, datetime
from typing import Any

from analytics_service.domain.calendar import OrganizerZone
from analytics_service.domain.facts import Fact, FiledFact, Kind, Line, SheetKey
from analytics_service.domain.figures import Figures
from analytics_service.domain.sales import Sheet

FIGURES = tuple(each.name for each in fields(Figures))


def fact_document(filed: FiledFact) -> dict[str, Any]:
    """A fact with both marks; one that counts nothing has none. `version` is that of the organizer whose zone it is."""
    fact, counts = filed.fact, bool(filed.fact.lines)
    return {
        "version": filed.zone.version,
        "zone": filed.zone.name,
        "day": filed.day.isoformat(),
        "former_days": sorted(day.isoformat() for day in filed.former_days),
        "counts": counts,
        "uncounted": counts,
        "unshown": counts,
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
        former_days=frozenset(date.fromisoformat(day) for day in document["former_days"]),
    )


def sheet_document(sheet: Sheet) -> dict[str, Any]:
    """A sheet; the store adds `version`."""
    key = sheet.key
    return {
        "organizer": key.organizer,
        "day": key.day.isoformat(),
        "event": key.event,
        "lines": [line_document(line) for line in sheet.lines],
    }


def sheet_of(document: Mapping[str, Any]) -> Sheet:
    """The reverse."""
    key = SheetKey(document["organizer"], date.fromisoformat(document["day"]), document["event"])
    return Sheet(key, tuple(line_of(each) for each in document["lines"]))


def sheet_id(key: SheetKey) -> str:
    """`_id` of a sheet."""
    return f"{key.organizer}|{key.day.isoformat()}|{key.event}"


def line_document(line: Line) -> dict[str, Any]:
    """Figures that are zero are left out."""
    counted = {name: figure for name, figure in asdict(line.figures).items() if figure}
    return {"ticket_type": line.ticket_type, "currency": line.currency, **counted}


def line_of(document: Mapping[str, Any]) -> Line:
    """The reverse."""
    figures = Figures(**{name: document.get(name, 0) for name in FIGURES})
    return Line(document["ticket_type"], document["currency"], figures)


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
