"""The minutes in which a large event goes on sale."""

from monitoring_config.boards import Board, Section, areas, lines, number
from monitoring_config.dashboards import rows
from monitoring_config.promql import highest, mean, or_calm, or_none, percentiles, quantile, rate, share, total

HOLD = 'method="usher.booking.v1.BookingService/CreateBooking"'
HELD, REFUSED = 'outcome="held"', "usher_bookings_refused_total"


def board() -> Board:
    """Of the booking service, which carries a sale, and of what stands in front of it."""
    return Board(
        name="on-sale",
        title="Usher / On sale",
        text="A large event goes on sale: who waits, who gets places, what holds them up.",
        service="booking",
        sections=(_now(), _buyers(), _lanes(), _around()),
    )


def _now() -> Section:
    return Section(
        "Now",
        (
            number("Holds a second", "Granted.", "ops", rate("usher_bookings_total", where=HELD)),
            number(
                "Refused a second",
                "Asked for and not granted.",
                "ops",
                or_none(rate(REFUSED)),
                alert="UsherSaleTakesNothing",
            ),
            number(
                "p99 of a hold",
                "99 of 100 take no longer.",
                "s",
                quantile(0.99, rows.SECONDS, where=HOLD),
                warn=0.25,
                alarm=1,
            ),
            number(
                "In waiting rooms", "People whose turn has not come.", "short", highest("usher_waiting_room_waiting")
            ),
            number(
                "Overdue holds",
                "For how long the oldest hold has been over without giving its places back.",
                "s",
                highest("usher_holds_overdue_seconds"),
                warn=30,
                alarm=60,
                alert="UsherPlacesKeptByOverdueHolds",
            ),
        ),
    )


def _buyers() -> Section:
    return Section(
        "Buyers",
        (
            areas(
                "Bookings", "By what became of them.", "ops", {"{{outcome}}": rate("usher_bookings_total", "outcome")}
            ),
            areas(
                "Refused holds",
                "By the reason that buyers were told.",
                "ops",
                {"{{reason}}": or_calm(rate(REFUSED, "reason"), "reason")},
                alert="UsherSaleTakesNothing",
            ),
            lines("A hold takes", "As the service sees it.", "s", percentiles(rows.SECONDS, HOLD)),
            lines(
                "Waiting rooms",
                "People who joined, a second.",
                "ops",
                {"joined": rate("usher_waiting_room_joins_total")},
            ),
            lines(
                "Waiting rooms: people",
                "Who waits, and whose turn has come so far.",
                "short",
                {
                    "waiting": highest("usher_waiting_room_waiting"),
                    "admitted": highest("usher_waiting_room_admitted"),
                },
            ),
            lines(
                "Overdue holds",
                "For how long the oldest hold has been over without giving its places back.",
                "s",
                {"overdue": highest("usher_holds_overdue_seconds")},
                alert="UsherPlacesKeptByOverdueHolds",
            ),
        ),
    )


def _lanes() -> Section:
    return Section(
        "Lanes",
        (
            lines(
                "Queued",
                "Commands that wait in the lanes of a replica.",
                "short",
                {"{{instance}}": total("usher_lane_queued", "instance")},
                alert="UsherSaleTakesNothing",
            ),
            lines(
                "Commands in a batch",
                "On average; it grows with load, so that throughput does.",
                "short",
                {"{{instance}}": mean("usher_lane_batch_commands", "instance")},
            ),
            lines(
                "A batch takes",
                "From its first look at the store to its commit.",
                "s",
                percentiles("usher_lane_batch_seconds"),
                alert="UsherStoreSlow",
            ),
            lines(
                "Decided anew",
                "Batches that another replica overtook; many mean that calls of one event reach several replicas.",
                "ops",
                {"{{instance}}": rate("usher_lane_conflicts_total", "instance")},
            ),
            lines(
                "Commits",
                "How long transactions took.",
                "s",
                percentiles("usher_store_commit_seconds"),
                alert="UsherStoreSlow",
            ),
            lines(
                "Lag of the event loop",
                "How late it comes to what is due, by replica.",
                "s",
                {"{{instance}}": quantile(0.99, "usher_event_loop_lag_seconds", "instance")},
                alert="UsherEventLoopSlow",
            ),
        ),
    )


def _around() -> Section:
    cluster = 'envoy_cluster_name="booking"'
    return Section(
        "Around it",
        (
            lines(
                "Requests that wait for booking",
                "Under way from the gateway to the booking service, and waiting for a connection.",
                "short",
                {
                    "under way": total("envoy_cluster_upstream_rq_active", where=cluster, scope="GATEWAY"),
                    "waiting": total("envoy_cluster_upstream_rq_pending_active", where=cluster, scope="GATEWAY"),
                },
            ),
            lines(
                "Turned away by the gateway",
                "Because of the limit of one address, a second.",
                "reqps",
                {
                    "limit": rate(
                        "envoy_http_local_rate_limit_rate_limited",
                        where='envoy_local_http_ratelimit_prefix="addresses"',
                        scope="GATEWAY",
                    )
                },
            ),
            lines(
                "Paid and not confirmed",
                "Share of payments that succeeded and for which nothing could be given; they are paid back.",
                "percentunit",
                {
                    "unclaimed": share(
                        rate("usher_payments_unclaimed_total"),
                        rate("usher_payments_total", where='outcome="succeeded"', scope="EVERYWHERE"),
                    )
                },
                alert="UsherPaymentsUnclaimed",
            ),
        ),
    )
