"""What the booking service measures."""

from collections.abc import Mapping

from google.protobuf.message import Message

from telemetry import Declared, Metrics, counter, families, gauge, histogram
from telemetry.declarations import SIZES
from usher.booking.v1 import domain_events_pb2 as pb

BOOKINGS = counter(
    "bookings",
    "Bookings.",
    {
        "outcome": "`held`, `approval_requested`, `approved`, `rejected`, `confirmed`, `changed`, `cancelled`, "
        "`expired`, `completed` or `no_show`"
    },
)
REFUSED = counter(
    "bookings_refused",
    "Holds that were asked for and refused.",
    {"reason": "as callers get it: `SOLD_OUT`, …"},
    rare="once one was refused",
)
TICKETS = counter("tickets_issued", "Tickets of confirmed bookings.")
CHECK_INS = counter(
    "check_ins",
    "Admissions.",
    {"outcome": "`admitted`, `left`, `undone` or `duplicate` (found when scans of two devices were merged)"},
)
WAITING_LIST = counter(
    "waiting_list",
    "Waiting list entries.",
    {"outcome": "`joined`, `offered`, `fulfilled`, `lapsed` or `left`"},
    rare="once somebody joined one",
)
RESALE = counter(
    "resale_offers",
    "Tickets sold on.",
    {"outcome": "`opened`, `sold`, `withdrawn` or `lapsed`"},
    rare="once one was offered",
)
UNCLAIMED = counter(
    "payments_unclaimed", "Payments for which nothing could be given; they are paid back.", rare="once there was one"
)
HOLDS_OVERDUE = gauge(
    "holds_overdue_seconds", "For how long the oldest hold has been over without having ended; 0 when none."
)
LANE_QUEUED = gauge("lane_queued", "Commands that wait in the lanes.")
LANE_BATCH = histogram("lane_batch_commands", "Commands in one commit of a lane.", buckets=SIZES)
LANE_SECONDS = histogram("lane_batch_seconds", "From a batch's first look at the store to its commit.")
LANE_CONFLICTS = counter("lane_conflicts", "Batches decided anew because others wrote first.")
ROOM_JOINS = counter("waiting_room_joins", "Places in waiting rooms given by this process.")
ROOM_WAITING = gauge("waiting_room_waiting", "Places whose turn has not come; the same in all replicas.")
ROOM_ADMITTED = gauge("waiting_room_admitted", "Places whose turn has come so far; the same in all replicas.")

METRICS = (
    *families.EVERY_SERVICE,
    *families.PUBLISHES,
    *families.CONSUMES,
    BOOKINGS,
    REFUSED,
    TICKETS,
    CHECK_INS,
    WAITING_LIST,
    RESALE,
    UNCLAIMED,
    HOLDS_OVERDUE,
    LANE_QUEUED,
    LANE_BATCH,
    LANE_SECONDS,
    LANE_CONFLICTS,
    ROOM_JOINS,
    ROOM_WAITING,
    ROOM_ADMITTED,
)

OUTCOMES: Mapping[Declared, Mapping[str, type[Message]]] = {
    BOOKINGS: {
        "held": pb.BookingHeld,
        "approval_requested": pb.BookingApprovalRequested,
        "approved": pb.BookingApproved,
        "rejected": pb.BookingRejected,
        "confirmed": pb.BookingConfirmed,
        "changed": pb.BookingChanged,
        "cancelled": pb.BookingCancelled,
        "expired": pb.BookingExpired,
        "completed": pb.BookingCompleted,
        "no_show": pb.BookingNoShow,
    },
    CHECK_INS: {
        "admitted": pb.TicketCheckedIn,
        "left": pb.TicketCheckedOut,
        "undone": pb.CheckInUndone,
        "duplicate": pb.DuplicateScanReported,
    },
    WAITING_LIST: {
        "joined": pb.WaitingListJoined,
        "offered": pb.WaitingListOffered,
        "fulfilled": pb.WaitingListFulfilled,
        "lapsed": pb.WaitingListLapsed,
        "left": pb.WaitingListLeft,
    },
    RESALE: {
        "opened": pb.ResaleOfferOpened,
        "sold": pb.ResaleOfferSold,
        "withdrawn": pb.ResaleOfferWithdrawn,
        "lapsed": pb.ResaleOfferLapsed,
    },
}


def count_business(metrics: Metrics) -> None:
    """What buyers get, counted from the domain events of this process."""
    metrics.domain_events.outcomes(OUTCOMES)
    metrics.domain_events.count(pb.PaymentUnclaimed.DESCRIPTOR.full_name, metrics.counter(UNCLAIMED).inc)
    issued = metrics.counter(TICKETS).inc
    confirmed = pb.BookingConfirmed
    metrics.domain_events.read(
        confirmed.DESCRIPTOR.full_name, lambda payload: issued(len(confirmed.FromString(payload).booking.tickets))
    )
