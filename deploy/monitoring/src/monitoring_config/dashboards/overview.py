"""The first dashboard to look at: is anything wrong, and where."""

from monitoring_config.boards import Board, Section, areas, lines, number
from monitoring_config.dashboards import rows
from monitoring_config.promql import INTERVAL, highest, or_none, quantile, rate, share, total


def board() -> Board:
    """Everything at once, a line for each service."""
    return Board(
        name="overview",
        title="Usher / Overview",
        text="Is anything wrong, and where? Each service has a dashboard of its own.",
        sections=(_now(), _gateway(), _services(), _backbone()),
    )


def _now() -> Section:
    firing = 'ALERTS{alertstate="firing", alertname=~"Usher.*"}'
    return Section(
        "Now",
        (
            number("Alerts", "That fire.", "short", or_none(f"count({firing})"), warn=1, alarm=1),
            number(
                "Failing checks",
                "Health checks that say no.",
                "short",
                or_none("count(usher_health_check{SCOPE} == 0)"),
                warn=1,
                alarm=1,
                alert="UsherNotServing",
            ),
            number(
                "Budget burnt fastest",
                "The highest burn rate of the last hour over all objectives; at 1 a budget lasts exactly 30 days.",
                "short",
                or_none("max(job_slo:usher_bad:ratio_rate1h / on (job, slo) group_left () job_slo:usher_budget:ratio)"),
                warn=1,
                alarm=6,
                alert="UsherErrorBudgetBurnsFast",
            ),
            number(
                "Dead letters",
                "Domain events that wait for a redrive.",
                "short",
                'sum(max by (consumer) (usher_consumer_parked{SCOPE, kind="dead"}))',
                warn=1,
                alarm=1,
                alert="UsherDeadLetters",
            ),
            number(
                "Oldest outbox",
                "Age of the oldest domain event that has not reached the broker.",
                "s",
                highest("usher_outbox_oldest_pending_seconds"),
                warn=5,
                alarm=60,
                alert="UsherOutboxStuck",
            ),
            number(
                "Bookings a minute",
                "Confirmed ones.",
                "short",
                f'60 * sum(rate(usher_bookings_total{{EVERYWHERE, outcome="confirmed"}}[{INTERVAL}]))',
            ),
        ),
    )


def _gateway() -> Section:
    requests = "envoy_http_downstream_rq_xx"
    edge = 'envoy_http_conn_manager_prefix="gateway"'
    return Section(
        "Gateway",
        (
            areas(
                "Requests",
                "At the gateway, by class of the HTTP status; gRPC answers with 200 and a status of its own.",
                "reqps",
                {"{{envoy_response_code_class}}xx": rate(requests, "envoy_response_code_class", edge, "GATEWAY")},
                alert="UsherGatewayFails",
            ),
            lines(
                "Duration",
                "From the first byte of a request to the last of its answer, in milliseconds.",
                "ms",
                {
                    f"p{round(100 * each)}": quantile(each, "envoy_http_downstream_rq_time", "", edge, "GATEWAY")
                    for each in (0.5, 0.95, 0.99)
                },
            ),
            lines(
                "Turned away",
                "Because of the limit of one address, or because too many connections are open.",
                "reqps",
                {
                    "limit of an address": rate(
                        "envoy_http_local_rate_limit_rate_limited",
                        where='envoy_local_http_ratelimit_prefix="addresses"',
                        scope="GATEWAY",
                    ),
                    "too many connections": rate("envoy_listener_downstream_cx_overload_reject", scope="GATEWAY"),
                },
            ),
        ),
    )


def _services() -> Section:
    failures = share(rate(rows.HANDLED, "job", rows.FAILED), rate(rows.HANDLED, "job"))
    return Section(
        "Services",
        (
            areas("Rpcs", "By service.", "reqps", {"{{job}}": rate(rows.HANDLED, "job")}),
            lines(
                "Failures",
                "Share of rpcs that failed through no fault of the caller.",
                "percentunit",
                {"{{job}}": failures},
                alert="UsherErrorBudgetBurnsFast",
            ),
            lines("p99", "99 of 100 rpcs take no longer.", "s", {"{{job}}": quantile(0.99, rows.SECONDS, "job")}),
            lines(
                "Lag of the event loop",
                "How late it comes to what is due, 99 of 100 times no later.",
                "s",
                {"{{job}}": quantile(0.99, "usher_event_loop_lag_seconds", "job")},
                alert="UsherEventLoopSlow",
            ),
            lines("CPU", "Cores in use.", "short", {"{{job}}": rate("process_cpu_seconds_total", "job")}),
            lines(
                "Memory",
                "Resident, of the largest replica.",
                "bytes",
                {"{{job}}": highest("process_resident_memory_bytes", "job")},
                alert="UsherMemoryHigh",
            ),
        ),
    )


def _backbone() -> Section:
    return Section(
        "Domain events",
        (
            lines(
                "Outboxes",
                "Age of the oldest domain event that the broker has not acknowledged.",
                "s",
                {"{{job}}": highest("usher_outbox_oldest_pending_seconds", "job")},
                alert="UsherOutboxStuck",
            ),
            lines(
                "Lag",
                "Records not read yet.",
                "short",
                {"{{consumer}}": total("usher_consumer_lag", "consumer")},
                alert="UsherConsumerBehind",
            ),
            rows.breakers(),
        ),
    )
