"""Sections that several dashboards share: what every service does, and what it runs on."""

from monitoring_config.boards import Panel, Section, areas, lines, number
from monitoring_config.promql import (
    FAILURES,
    highest,
    mean,
    or_calm,
    or_none,
    percentiles,
    quantile,
    rate,
    share,
    total,
)

HANDLED = "usher_rpc_server_handled_total"
SECONDS = "usher_rpc_server_seconds"
FAILED = f'code=~"{FAILURES}"'


def at_a_glance() -> Section:
    """Whether it works."""
    return Section(
        "At a glance",
        (
            number(
                "Replicas up", "Processes that Prometheus reaches.", "short", "sum(up{SCOPE})", alert="UsherTargetDown"
            ),
            number("Rpcs a second", "All rpcs, whatever came of them.", "reqps", rate(HANDLED)),
            number(
                "Failures",
                "Share of rpcs that failed through no fault of the caller; refusals are none.",
                "percentunit",
                share(rate(HANDLED, where=FAILED), rate(HANDLED)),
                warn=0.001,
                alarm=0.01,
                alert="UsherErrorBudgetBurnsFast",
            ),
            number("p99", "99 of 100 rpcs take no longer.", "s", quantile(0.99, SECONDS), warn=0.25, alarm=1),
            number("Under way", "Rpcs being worked on.", "short", total("usher_rpc_server_in_flight")),
            number(
                "Failing checks",
                "Health checks that say no; Kafka's does not take a service out of service.",
                "short",
                or_none("count(usher_health_check{SCOPE} == 0)"),
                warn=1,
                alarm=1,
                alert="UsherNotServing",
            ),
        ),
    )


def rpcs() -> Section:
    """Rate, errors, duration."""
    return Section(
        "Rpcs",
        (
            areas(
                "Rate by method",
                "The ten methods called most.",
                "reqps",
                {"{{method}}": f"topk(10, {rate(HANDLED, 'method')})"},
            ),
            lines(
                "Outcomes other than OK",
                "By gRPC status. INVALID_ARGUMENT, NOT_FOUND, FAILED_PRECONDITION and the like are refusals; "
                "INTERNAL, UNKNOWN, UNAVAILABLE, DATA_LOSS and DEADLINE_EXCEEDED are failures.",
                "reqps",
                {"{{code}}": or_calm(rate(HANDLED, "code", 'code!="OK"'), "code")},
                alert="UsherErrorBudgetBurnsFast",
            ),
            lines(
                "Duration",
                "Of all rpcs, streams included.",
                "s",
                percentiles(SECONDS),
                alert="UsherErrorBudgetBurnsSlowly",
            ),
            lines(
                "p99 by method",
                "The ten slowest. Streams last as long as somebody listens.",
                "s",
                {"{{method}}": f"topk(10, {quantile(0.99, SECONDS, 'method')})"},
            ),
            lines(
                "Under way", "By replica.", "short", {"{{instance}}": total("usher_rpc_server_in_flight", "instance")}
            ),
            lines(
                "Refusals by reason",
                "What callers were told: the ten most frequent reasons.",
                "reqps",
                {"{{reason}}": or_calm(f"topk(10, {rate('usher_rpc_server_refusals_total', 'reason')})", "reason")},
            ),
        ),
    )


def commits() -> tuple[Panel, ...]:
    """Of a service that keeps a journal; the others write what they have read, each by itself."""
    return (
        lines(
            "Commits",
            "How long transactions took, to the majority of the replica set.",
            "s",
            percentiles("usher_store_commit_seconds"),
            alert="UsherStoreSlow",
        ),
        lines(
            "Commands in a commit",
            "How many writers shared a transaction, on average; it grows with load.",
            "short",
            {"commands": mean("usher_store_commit_commands")},
        ),
    )


def store(*, journal: bool) -> Section:
    """The database."""
    return Section(
        "Store",
        (
            *(commits() if journal else ()),
            lines(
                "Commands to MongoDB",
                "99 of 100 take no longer, by command.",
                "s",
                {"{{operation}}": quantile(0.99, "usher_store_operation_seconds", "operation")},
                alert="UsherStoreSlow",
            ),
            lines(
                "Work done again, commits turned down",
                "transient: MongoDB asked for it; split: a batch went on without some; conflict: another was first; "
                "repeat: the same request again.",
                "ops",
                {
                    "{{kind}} again": or_calm(rate("usher_store_retries_total", "kind"), "kind"),
                    "{{kind}} turned down": or_calm(rate("usher_store_refusals_total", "kind"), "kind"),
                },
            ),
        ),
    )


def publishing() -> Section:
    """From the outbox to the broker."""
    return Section(
        "Domain events out",
        (
            areas("Committed", "By type.", "ops", {"{{type}}": rate("usher_domain_events_total", "type")}),
            lines(
                "Outbox",
                "Age of the oldest domain event that the broker has not acknowledged.",
                "s",
                {"{{job}}": highest("usher_outbox_oldest_pending_seconds", "job")},
                alert="UsherOutboxStuck",
            ),
            lines(
                "From commit to broker",
                "Of the oldest domain event of a batch.",
                "s",
                percentiles("usher_relay_delay_seconds"),
                alert="UsherOutboxStuck",
            ),
        ),
    )


def other_services() -> Section:
    """Rpcs to other services."""
    return Section(
        "Rpcs to other services",
        (
            areas(
                "Outcomes",
                "By method and gRPC status.",
                "reqps",
                {"{{method}} {{code}}": rate("usher_rpc_client_handled_total", "method, code")},
            ),
            lines(
                "Duration",
                "99 of 100 take no longer, as the caller sees it.",
                "s",
                {"{{method}}": quantile(0.99, "usher_rpc_client_seconds", "method")},
            ),
            lines(
                "Under way", "By replica.", "short", {"{{instance}}": total("usher_rpc_client_in_flight", "instance")}
            ),
        ),
    )


def consuming() -> Section:
    """From the broker to what is kept of it."""
    return Section(
        "Domain events in",
        (
            areas(
                "Handled",
                "By consumer and outcome: applied, parked until its predecessor arrives, dead.",
                "ops",
                {"{{consumer}} {{outcome}}": rate("usher_consumer_events_total", "consumer, outcome")},
            ),
            lines(
                "Lag",
                "Records not read yet.",
                "short",
                {"{{consumer}}": total("usher_consumer_lag", "consumer")},
                alert="UsherConsumerBehind",
            ),
            lines(
                "From commit to applied",
                "99 of 100 take no longer.",
                "s",
                {"{{consumer}}": quantile(0.99, "usher_consumer_delay_seconds", "consumer")},
                alert="UsherConsumerBehind",
            ),
            lines(
                "Put aside",
                "waiting: for a predecessor or a projection; dead: until an operator redrives them.",
                "short",
                {"{{consumer}} {{kind}}": highest("usher_consumer_parked", "consumer, kind")},
                alert="UsherDeadLetters",
            ),
        ),
    )


def dependencies() -> tuple[Panel, ...]:
    """What a service calls outside."""
    return (
        areas(
            "Attempts",
            "By dependency and outcome; refused: by an open breaker.",
            "ops",
            {"{{dependency}} {{outcome}}": rate("usher_call_attempts_total", "dependency, outcome")},
        ),
        lines(
            "Duration",
            "99 of 100 attempts take no longer.",
            "s",
            {"{{dependency}}": quantile(0.99, "usher_call_seconds", "dependency")},
        ),
        breakers(),
    )


def breakers() -> Panel:
    """Of those dependencies that have one."""
    return lines(
        "Open breakers",
        "1 while calls are not even tried.",
        "short",
        {"{{job}} {{dependency}}": highest("usher_breaker_state", "job, dependency", 'state="open"')},
        alert="UsherBreakerOpen",
    )


def bulkheads() -> Panel:
    """How many calls may go on at once, and how many would like to."""
    return lines(
        "Bulkheads",
        "Calls inside, waiting in front, and refused because too many wait already (a second).",
        "short",
        {
            "{{dependency}} inside": total("usher_bulkhead_in_use", "dependency"),
            "{{dependency}} waiting": total("usher_bulkhead_waiting", "dependency"),
            "refused": or_none(rate("usher_bulkhead_refused_total")),
        },
        alert="UsherBulkheadFull",
    )


def process(by: str = "instance") -> Section:
    """What it runs on."""
    return Section(
        "Process",
        (
            lines("CPU", "Cores in use.", "short", {f"{{{{{by}}}}}": rate("process_cpu_seconds_total", by)}),
            lines(
                "Memory",
                "Resident.",
                "bytes",
                {f"{{{{{by}}}}}": total("process_resident_memory_bytes", by)},
                alert="UsherMemoryHigh",
            ),
            lines(
                "Lag of the event loop",
                "How late it comes to what is due, 99 of 100 times no later: every call waits as long besides.",
                "s",
                {f"{{{{{by}}}}}": quantile(0.99, "usher_event_loop_lag_seconds", by)},
                alert="UsherEventLoopSlow",
            ),
            lines(
                "Open files",
                "Share of those the process may have; connections are files.",
                "percentunit",
                {f"{{{{{by}}}}}": f"max by ({by}) (process_open_fds{{SCOPE}} / process_max_fds{{SCOPE}})"},
                alert="UsherFilesRunOut",
            ),
        ),
    )
