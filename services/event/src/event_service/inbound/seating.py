"""What UpdateSeatingPlan does to an event."""

from datetime import datetime

from google.protobuf.field_mask_pb2 import FieldMask

from event_service.domain.event import Event, Outcome
from event_service.wire.seating import seating_plan_from_wire, seating_plan_to_wire
from resource_api import apply_update_mask, check_etag
from usher.event.v1.event_service_pb2 import UpdateSeatingPlanRequest


def replaced_seating_plan(event: Event, request: UpdateSeatingPlanRequest, now: datetime) -> Outcome:
    """The event with the plan of the request; Aborted ETAG_MISMATCH, and what the mask or the plan is refused for.

    Without a mask the plan is replaced too: one without sections removes it.
    """
    current = event.offer.seating_plan
    mask = request.update_mask if request.update_mask.paths else FieldMask(paths=["sections"])
    merged = apply_update_mask(seating_plan_to_wire(event.name, current), request.seating_plan, mask)
    check_etag(request.seating_plan.etag, current.revision)
    return event.with_seating_plan(seating_plan_from_wire(merged), now)
