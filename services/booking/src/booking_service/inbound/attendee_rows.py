"""Files of attendees, row by row: CSV and JSON Lines to what the handler takes, with all that is wrong with a row."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from booking_service.domain.attendee_import import MOST_ROWS, ImportRow, RowProblem, named
from booking_service.domain.contacts import Contact
from booking_service.domain.offer import Offer
from booking_service.handlers.import_attendees import ReadRow
from booking_service.inbound.messages import answers_from_wire, attendee_from_wire
from domain_kit.refusals import InvalidArgument
from grpc_runtime.validation import Validation
from resource_api import numbered_lines, read_message
from usher.booking.v1 import attendee_service_pb2 as pb

QUESTION = "questions/"
COLUMNS: Mapping[str, str] = {
    "order": "order",
    "ticket_type": "ticket_type",
    "date": "date",
    "seat": "seat",
    "attendee_name": "attendee.display_name",
    "attendee_email": "attendee.email",
    "buyer": "buyer",
    "buyer_name": "contact.display_name",
    "buyer_email": "contact.email",
}
_COLUMN_OF = {path: column for column, path in COLUMNS.items()}
_IDS = frozenset({"ticket_type", "date", "buyer", "seat"})  # spaces around them mean nothing
_DELIMITERS = ",;\t"


def rows_of(
    content: bytes, kind: pb.AttendeeFileFormat.ValueType, validation: Validation, offer: Offer
) -> Sequence[Callable[[], ReadRow]]:
    """Each row of a file, to be read when called. InvalidArgument for no text, no rows or too many."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidArgument.of("content", f"must be UTF-8; byte {error.start} is not.") from None
    if kind == pb.ATTENDEE_FILE_FORMAT_JSON_LINES:
        lines = numbered_lines(text, most=MOST_ROWS, field="content")
        rows: list[Callable[[], ReadRow]] = [partial(_json_row, *line, validation, offer.event) for line in lines]
    else:
        rows = _csv_rows(text, validation, offer)
    if not 0 < len(rows) <= MOST_ROWS:
        raise InvalidArgument.of("content", f"must have 1 to {MOST_ROWS} rows.")
    return rows


def _json_row(number: int, line: str, validation: Validation, event: str) -> ReadRow:
    message = pb.ImportedAttendee()
    if problem := read_message(line, message):
        return [RowProblem(number, "", "ROW_UNREADABLE", problem)]
    return _checked(number, message, {}, validation, event)


def _csv_rows(text: str, validation: Validation, offer: Offer) -> list[Callable[[], ReadRow]]:
    header, _, _ = text.lstrip("\r\n").partition("\n")
    delimiter = max(_DELIMITERS, key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[Callable[[], ReadRow]] = []
    columns: list[str] | None = None
    begins = 1
    per_ticket = {each.name.rpartition("/")[2]: each.per_ticket for each in offer.questions}
    while len(rows) <= MOST_ROWS:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            rows.append(partial(_wrong, begins, "", "ROW_UNREADABLE", f"is no CSV: {error}."))
            break
        if cells is None:
            break
        if any(cells) and columns is None:
            columns = [cell.strip() for cell in cells]
            if wrong := _wrong_columns(begins, columns, per_ticket):
                return [lambda: wrong]
        elif any(cells) and columns is not None:
            rows.append(partial(_csv_row, begins, columns, cells, per_ticket, validation, offer.event))
        begins = reader.line_num + 1
    return rows


def _wrong(number: int, field: str, reason: str, description: str) -> list[RowProblem]:
    return [RowProblem(number, field, reason, description)]


def _wrong_columns(number: int, columns: Sequence[str], questions: Mapping[str, bool]) -> list[RowProblem]:
    known = {*COLUMNS, *(QUESTION + question for question in questions)}
    wrong = [
        RowProblem(number, column, "FIELD_INVALID", "stands twice." if column in known else "is no column.")
        for place, column in enumerate(columns)
        if column not in known or column in columns[:place]
    ]
    if "ticket_type" not in columns:
        wrong += _wrong(number, "ticket_type", "FIELD_INVALID", "must be a column.")
    return wrong


def _csv_row(
    number: int,
    columns: Sequence[str],
    cells: Sequence[str],
    per_ticket: Mapping[str, bool],
    validation: Validation,
    event: str,
) -> ReadRow:
    if len(cells) != len(columns):
        return _wrong(number, "", "ROW_UNREADABLE", f"must have {len(columns)} cells; has {len(cells)}.")
    message, names = pb.ImportedAttendee(), dict(_COLUMN_OF)
    for column, cell in zip(columns, cells, strict=True):
        if not cell:
            continue
        if column.startswith(QUESTION):
            of_ticket = per_ticket[column.removeprefix(QUESTION)]
            answers = message.attendee.answers if of_ticket else message.booking_answers
            names[f"{'attendee.answers' if of_ticket else 'booking_answers'}[{len(answers)}]"] = column
            answers.add(question=f"{event}/{column}", text=cell)
        else:
            *outer, last = COLUMNS[column].split(".")
            holder = getattr(message, outer[0]) if outer else message
            setattr(holder, last, cell.strip() if column in _IDS else cell)
    return _checked(number, message, names, validation, event)


def _checked(
    number: int, message: pb.ImportedAttendee, names: Mapping[str, str], validation: Validation, event: str
) -> ReadRow:
    found = validation.violations_of(message)
    if found:
        return [RowProblem(number, named(each.field, names), "FIELD_INVALID", each.description) for each in found]
    contact = Contact(message.contact.display_name, message.contact.email)
    return ImportRow(
        number,
        _full(event, "ticketTypes", message.ticket_type),
        message.order,
        _full(event, "dates", message.date),
        attendee_from_wire(message.attendee),
        message.buyer,
        contact,
        answers_from_wire(message.booking_answers),
        message.seat,
        names,
    )


def _full(event: str, collection: str, id: str) -> str:
    """The resource name of what may be given by its id alone."""
    return id if not id or "/" in id else f"{event}/{collection}/{id}"
