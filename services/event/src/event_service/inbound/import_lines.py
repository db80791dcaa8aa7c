"""Lines of an import: JSON text to what the handler takes, with everything that is wrong with a line."""

import json
from collections.abc import Iterator

from google.protobuf import json_format

from domain_kit.refusals import InvalidArgument
from event_service.handlers.import_events import ImportLine, LineProblem
from event_service.wire.capacity_pools import capacity_pool_from_wire
from event_service.wire.events import details_from_wire
from event_service.wire.ticket_types import ticket_type_from_wire
from grpc_runtime.interceptors import Validation
from usher.event.v1.event_service_pb2 import ImportedEvent

MOST_LINES = 10_000
# A line with everything an event may have is shorter. Reading is no faster than 1 MB a second.
MOST_CHARACTERS = 250_000


def numbered_lines(json_lines: str) -> list[tuple[int, str]]:
    """Lines that hold something, with their numbers from 1. InvalidArgument for far too many, empty ones included.

    Only a line feed ends a line (jsonlines.org): JSON strings may hold what Unicode calls line separators.
    """
    if json_lines.count("\n") > 2 * MOST_LINES:
        raise InvalidArgument.of("json_lines", f"must have 1 to {MOST_LINES} lines.")
    return [(number, line) for number, line in enumerate(json_lines.split("\n"), 1) if line.strip()]


def read_line(number: int, line: str, validation: Validation) -> ImportLine | list[LineProblem]:
    """What a line says, or why it cannot be read."""
    if len(line) > MOST_CHARACTERS:
        return [LineProblem(number, "", f"must have at most {MOST_CHARACTERS} characters.")]
    try:
        parsed = json.loads(line)
        if not isinstance(parsed, dict):
            return [LineProblem(number, "", "must be a JSON object.")]
        message = json_format.ParseDict(parsed, ImportedEvent(), max_recursion_depth=10)
    except json.JSONDecodeError as error:
        return [LineProblem(number, "", f"is no JSON: {error.msg} at column {error.colno}.")]
    except (json_format.ParseError, RecursionError, ValueError) as error:  # ValueError: a number of 5000 digits
        return [LineProblem(number, "", _text(error))]
    except SystemError:  # protobuf's answer to a lone surrogate in a field name
        return [LineProblem(number, "", "has a field name that is no Unicode text.")]
    found = validation.violations_of(message)
    if found:
        return [LineProblem(number, each.field, each.description) for each in found]
    problems = [LineProblem(number, field, what) for field, what in _dangling(message)]
    return problems or _line(number, message)


def _line(number: int, message: ImportedEvent) -> ImportLine | list[LineProblem]:
    try:
        return ImportLine(
            number,
            details_from_wire(message.event),
            tuple(capacity_pool_from_wire("", each.id, each.capacity_pool) for each in message.capacity_pools),
            tuple(
                ticket_type_from_wire(
                    "", each.id, each.ticket_type, pools=tuple(each.capacity_pool_ids), field=f"ticket_types[{index}]"
                )
                for index, each in enumerate(message.ticket_types)
            ),
        )
    except InvalidArgument as refusal:
        return [LineProblem(number, each.field, each.description) for each in refusal.violations]


def _dangling(message: ImportedEvent) -> Iterator[tuple[str, str]]:
    pools = {each.id for each in message.capacity_pools}
    for index, each in enumerate(message.ticket_types):
        for place, id in enumerate(each.capacity_pool_ids):
            if id not in pools:
                yield f"ticket_types[{index}].capacity_pool_ids[{place}]", f"{id!r} is no pool of this line."


def _text(error: Exception) -> str:
    """The first line; lone surrogates, which JSON can escape and an answer cannot hold, become question marks."""
    return str(error).partition("\n")[0][:300].encode(errors="replace").decode()
