"""Lines of an import: JSON text to what the handler takes, with everything that is wrong with a line."""

from collections.abc import Iterator

from domain_kit.refusals import InvalidArgument
from event_service.handlers.import_events import ImportLine, LineProblem
from event_service.wire.capacity_pools import capacity_pool_from_wire
from event_service.wire.events import details_from_wire
from event_service.wire.ticket_types import ticket_type_from_wire
from grpc_runtime.validation import Validation
from resource_api import read_message
from usher.event.v1.event_service_pb2 import ImportedEvent

MOST_LINES = 10_000
# A line with everything an event may have is shorter. Reading is no faster than 1 MB a second.
MOST_CHARACTERS = 250_000


def read_line(number: int, line: str, validation: Validation) -> ImportLine | list[LineProblem]:
    """What a line says, or why it cannot be read."""
    if len(line) > MOST_CHARACTERS:
        return [LineProblem(number, "", f"must have at most {MOST_CHARACTERS} characters.")]
    message = ImportedEvent()
    if problem := read_message(line, message):
        return [LineProblem(number, "", problem)]
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
