"""Check-in requests from protobuf, and what is answered."""

from collections.abc import Callable, Sequence
from datetime import datetime

from booking_service.check_in_wire import (
    check_in_list_to_wire,
    direction_from_wire,
    pair_to_wire,
    rules_from_wire,
    scan_to_wire,
)
from booking_service.domain.check_in_list import CheckInList, ListRules
from booking_service.domain.scans import Scan, TicketScans, Verdict, judge
from booking_service.handlers.upload_scan_log import INVALID_CODE, Result, Uploaded
from domain_kit.refusals import InvalidArgument
from resource_api import apply_update_mask, time_from_wire
from usher.booking.v1 import check_in_pb2
from usher.booking.v1 import check_in_service_pb2 as pb

_VERDICTS = {
    Verdict.ADMITTED: check_in_pb2.SCAN_VERDICT_ADMITTED,
    Verdict.LEFT: check_in_pb2.SCAN_VERDICT_LEFT,
    Verdict.DUPLICATE: check_in_pb2.SCAN_VERDICT_DUPLICATE,
    Verdict.REFUSED: check_in_pb2.SCAN_VERDICT_REFUSED,
}
_VOID = {"TICKET_VOID", "EVENT_CANCELLED", "BOOKING_CANCELLED"}


def revision_of(request: pb.UpdateCheckInListRequest) -> Callable[[CheckInList], ListRules]:
    """What the update makes of the present rules; InvalidArgument as `apply_update_mask`."""

    def revise(present: CheckInList) -> ListRules:
        stored = check_in_list_to_wire(present)
        return rules_from_wire(apply_update_mask(stored, request.check_in_list, request.update_mask))

    return revise


def uploads_of(request: pb.UploadScanLogRequest) -> list[Uploaded]:
    """The scans of a log. InvalidArgument TIME_OUT_OF_RANGE."""
    return [
        Uploaded(
            each.code,
            Scan(
                _time(each, f"scans[{number}].scan_time"), request.device_id, each.sequence,
                direction_from_wire(each.direction), each.gate, request.name, offline=True,
            ),
        )
        for number, each in enumerate(request.scans)
    ]  # fmt: skip


def result_to_wire(sequence: int, result: Result) -> pb.ScanResult:
    """The message."""
    return pb.ScanResult(
        sequence=sequence,
        verdict=_verdict(result),
        reason=result.reason,
        ticket=result.ticket,
        first=None if result.first is None else scan_to_wire(result.first),
    )


def duplicates_to_wire(scans: Sequence[TicketScans], check_in_list: CheckInList) -> list[check_in_pb2.DuplicateScan]:
    """One message a ticket."""
    return [
        check_in_pb2.DuplicateScan(
            ticket=each.ticket,
            pairs=[pair_to_wire(pair) for pair in judge(each.on(check_in_list.name), check_in_list.rules).pairs],
        )
        for each in scans
    ]


def _verdict(result: Result) -> "check_in_pb2.ScanVerdict.ValueType":
    if result.verdict is not None:
        return _VERDICTS[result.verdict]
    if result.reason == INVALID_CODE:
        return check_in_pb2.SCAN_VERDICT_INVALID_CODE
    return check_in_pb2.SCAN_VERDICT_VOID if result.reason in _VOID else check_in_pb2.SCAN_VERDICT_REFUSED


def _time(scan: pb.LoggedScan, field: str) -> datetime:
    time = time_from_wire(scan.scan_time, field=field)
    if time is None:
        raise InvalidArgument.of(field, "must be a time after 1970.")
    return time
