"""Check-in lists, scans and counts as protobuf messages, for answers and for domain events alike."""

from collections.abc import Iterable

from booking_service.domain.check_in_list import CheckInList, ListRules, TimeWindow
from booking_service.domain.list_tally import ListTally
from booking_service.domain.scans import Direction, Scan
from resource_api import etag_of, time_from_wire, time_to_wire
from usher.booking.v1 import check_in_pb2 as pb


def check_in_list_to_wire(check_in_list: CheckInList) -> pb.CheckInList:
    """The resource, etag included."""
    rules = check_in_list.rules
    return pb.CheckInList(
        name=check_in_list.name,
        display_name=rules.display_name,
        ticket_types=rules.ticket_types,
        dates=rules.dates,
        windows=[
            pb.TimeWindow(start_time=time_to_wire(each.start), end_time=time_to_wire(each.end))
            for each in rules.windows
        ],
        gates=rules.gates,
        reentry_allowed=rules.reentry,
        admissions_per_ticket=rules.admissions,
        create_time=time_to_wire(check_in_list.create_time),
        update_time=time_to_wire(check_in_list.update_time),
        etag=etag_of(check_in_list.version),
    )


def rules_from_wire(message: pb.CheckInList) -> ListRules:
    """What a message says of whom to admit; InvalidArgument TIME_OUT_OF_RANGE."""
    return ListRules(
        display_name=message.display_name,
        ticket_types=tuple(message.ticket_types),
        dates=tuple(message.dates),
        windows=tuple(
            TimeWindow(
                time_from_wire(each.start_time, field=f"check_in_list.windows[{number}].start_time"),
                time_from_wire(each.end_time, field=f"check_in_list.windows[{number}].end_time"),
            )
            for number, each in enumerate(message.windows)
        ),
        gates=tuple(message.gates),
        reentry=message.reentry_allowed,
        admissions=message.admissions_per_ticket or 1,
    )


def scan_to_wire(scan: Scan) -> pb.TicketScan:
    """The message."""
    return pb.TicketScan(
        scan_time=time_to_wire(scan.time),
        device_id=scan.device,
        sequence=scan.sequence,
        direction=pb.ScanDirection.Value(f"SCAN_DIRECTION_{scan.direction.name}"),
        gate=scan.gate,
        check_in_list=scan.list,
        offline=scan.offline,
    )


def direction_from_wire(direction: "pb.ScanDirection.ValueType") -> Direction:
    """In, where it is not said."""
    return Direction.EXIT if direction == pb.SCAN_DIRECTION_EXIT else Direction.ENTRY


def pair_to_wire(pair: tuple[Scan, Scan]) -> pb.DuplicatePair:
    """The message."""
    return pb.DuplicatePair(first=scan_to_wire(pair[0]), second=scan_to_wire(pair[1]))


def counts_to_wire(tallies: Iterable[ListTally]) -> list[pb.CheckInCounts]:
    """One message a list."""
    return [
        pb.CheckInCounts(
            check_in_list=tally.list,
            admitted_count=tally.admitted,
            inside_count=tally.inside,
            exit_count=tally.exits,
            duplicate_count=tally.duplicates,
            latest=[pb.CheckInPassage(ticket=each.ticket, scan=scan_to_wire(each.scan)) for each in tally.latest],
        )
        for tally in tallies
    ]
