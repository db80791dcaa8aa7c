"""How much is left before more replicas are needed."""

from monitoring_config.boards import Board, Section, lines
from monitoring_config.dashboards import rows
from monitoring_config.promql import highest, mean, quantile, rate, total


def board() -> Board:
    """Replicas, what each does and what it takes for it."""
    return Board(
        name="capacity",
        title="Usher / Capacity",
        text="What a replica does, what it takes for it, and what it has left. Operations says when to add which.",
        sections=(_replicas(), rows.process("job"), _queues(), _gateway()),
    )


def _replicas() -> Section:
    cpu = "process_cpu_seconds_total"
    return Section(
        "Replicas",
        (
            lines(
                "Up",
                "Processes that Prometheus reaches.",
                "short",
                {"{{job}}": "sum by (job) (up{SCOPE})"},
                alert="UsherTargetDown",
            ),
            lines(
                "Rpcs of a replica",
                "A second, on average over its replicas.",
                "reqps",
                {"{{job}}": f"{rate(rows.HANDLED, 'job')} / on (job) sum by (job) (up{{SCOPE}})"},
            ),
            lines(
                "CPU of an rpc",
                "Seconds of CPU for an rpc, domain events included.",
                "s",
                {"{{job}}": f"{rate(cpu, 'job')} / ({rate(rows.HANDLED, 'job')} > 0)"},
            ),
            lines(
                "Busiest replica",
                "Cores in use of the busiest one; a service's event loop has one.",
                "short",
                {"{{job}}": f"max by (job) (rate({cpu}{{SCOPE}}[$__rate_interval]))"},
                alert="UsherEventLoopSlow",
            ),
            lines(
                "Under way",
                "Rpcs, by service; autoscaling looks at it where it is told to.",
                "short",
                {"{{job}}": total("usher_rpc_server_in_flight", "job")},
            ),
            lines(
                "Memory in four hours",
                "As its growth of the last hour lets expect, of the largest replica.",
                "bytes",
                {"{{job}}": "max by (job) (predict_linear(process_resident_memory_bytes{SCOPE}[1h], 4 * 3600))"},
                alert="UsherMemoryHigh",
            ),
        ),
    )


def _queues() -> Section:
    return Section(
        "Where work waits",
        (
            lines(
                "Lanes of booking",
                "Commands that wait.",
                "short",
                {"queued": total("usher_lane_queued", scope="EVERYWHERE")},
                alert="UsherSaleTakesNothing",
            ),
            lines(
                "Commands in a commit",
                "On average, by service: the higher, the more writers share a transaction.",
                "short",
                {"{{job}}": mean("usher_store_commit_commands", "job")},
            ),
            lines(
                "Commits",
                "99 of 100 take no longer.",
                "s",
                {"{{job}}": quantile(0.99, "usher_store_commit_seconds", "job")},
                alert="UsherStoreSlow",
            ),
            lines(
                "Bulkheads",
                "Calls that wait for a place.",
                "short",
                {"{{job}} {{dependency}}": total("usher_bulkhead_waiting", "job, dependency")},
                alert="UsherBulkheadFull",
            ),
            lines(
                "Lag",
                "Records not read yet; KEDA looks at it where it is on.",
                "short",
                {"{{consumer}}": total("usher_consumer_lag", "consumer")},
                alert="UsherConsumerBehind",
            ),
            lines(
                "Outboxes",
                "Age of the oldest domain event not published.",
                "s",
                {"{{job}}": highest("usher_outbox_oldest_pending_seconds", "job")},
                alert="UsherOutboxStuck",
            ),
        ),
    )


def _gateway() -> Section:
    return Section(
        "Gateway",
        (
            lines(
                "Connections",
                "Open ones, of callers.",
                "short",
                {
                    "connections": total(
                        "envoy_http_downstream_cx_active",
                        where='envoy_http_conn_manager_prefix="gateway"',
                        scope="GATEWAY",
                    )
                },
            ),
            lines(
                "Memory",
                "Allocated by Envoy.",
                "bytes",
                {"{{instance}}": total("envoy_server_memory_allocated", "instance", scope="GATEWAY")},
            ),
            lines(
                "Endpoints",
                "Replicas that the gateway sends to, by service.",
                "short",
                {
                    "{{envoy_cluster_name}}": total(
                        "envoy_cluster_membership_healthy", "envoy_cluster_name", scope="GATEWAY"
                    )
                },
                alert="UsherGatewayFails",
            ),
        ),
    )
