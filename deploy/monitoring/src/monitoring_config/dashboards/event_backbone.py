"""Kafka and the outboxes: how domain events get from one service to the others."""

from monitoring_config.boards import Board, Section, areas, lines, number
from monitoring_config.promql import highest, or_calm, or_none, quantile, rate, total


def board() -> Board:
    """Out of every service, and into every one."""
    return Board(
        name="event-backbone",
        title="Usher / Kafka and outbox",
        text="Domain events from the commit through outbox and broker to those who apply them.",
        sections=(_now(), _out(), _in(), _trouble()),
    )


def _now() -> Section:
    return Section(
        "Now",
        (
            number(
                "Published a second",
                "Domain events that the broker acknowledged.",
                "ops",
                rate("usher_relay_published_total"),
            ),
            number(
                "Oldest outbox",
                "Age of the oldest that it has not.",
                "s",
                highest("usher_outbox_oldest_pending_seconds"),
                warn=5,
                alarm=60,
                alert="UsherOutboxStuck",
            ),
            number(
                "Behind",
                "Records not read yet, over all consumers.",
                "short",
                total("usher_consumer_lag"),
                warn=1_000,
                alarm=10_000,
                alert="UsherConsumerBehind",
            ),
            number(
                "Waiting",
                "Put aside until a predecessor or a projection is there.",
                "short",
                'sum(max by (consumer) (usher_consumer_parked{SCOPE, kind="waiting"}))',
                alert="UsherConsumerWaits",
            ),
            number(
                "Dead letters",
                "Put aside until an operator redrives them.",
                "short",
                'sum(max by (consumer) (usher_consumer_parked{SCOPE, kind="dead"}))',
                warn=1,
                alarm=1,
                alert="UsherDeadLetters",
            ),
            number(
                "Checks of Kafka",
                "How many fail.",
                "short",
                or_none('count(usher_health_check{SCOPE, check="kafka"} == 0)'),
                warn=1,
                alarm=1,
                alert="UsherKafkaAway",
            ),
        ),
    )


def _out() -> Section:
    return Section(
        "Out",
        (
            areas("Committed", "By service.", "ops", {"{{job}}": rate("usher_domain_events_total", "job")}),
            areas("Published", "By topic.", "ops", {"{{topic}}": rate("usher_relay_published_total", "topic")}),
            lines(
                "Outboxes",
                "Age of the oldest domain event that has not reached the broker.",
                "s",
                {"{{job}}": highest("usher_outbox_oldest_pending_seconds", "job")},
                alert="UsherOutboxStuck",
            ),
            lines(
                "From commit to broker",
                "Of the oldest of a batch, 99 of 100 times no longer.",
                "s",
                {"{{job}}": quantile(0.99, "usher_relay_delay_seconds", "job")},
                alert="UsherOutboxStuck",
            ),
            lines(
                "Who relays",
                "Replicas that hold the lease; one for each topic.",
                "short",
                {"{{topic}}": total("usher_relay_leads", "topic")},
                alert="UsherNobodyRelays",
            ),
            lines(
                "Failed batches",
                "Not acknowledged by the broker; they are tried again.",
                "ops",
                {"{{topic}}": or_calm(rate("usher_relay_failures_total", "topic"), "topic")},
                alert="UsherKafkaAway",
            ),
        ),
    )


def _in() -> Section:
    return Section(
        "In",
        (
            areas("Handled", "By consumer.", "ops", {"{{consumer}}": rate("usher_consumer_events_total", "consumer")}),
            lines(
                "Lag",
                "Records not read yet, by consumer.",
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
                "Handling one takes",
                "99 of 100 take no longer, all tries together.",
                "s",
                {"{{consumer}}": quantile(0.99, "usher_consumer_seconds", "consumer")},
            ),
        ),
    )


def _trouble() -> Section:
    return Section(
        "Trouble",
        (
            lines(
                "Put aside",
                "waiting: for a predecessor; dead: for a redrive.",
                "short",
                {"{{consumer}} {{kind}}": highest("usher_consumer_parked", "consumer, kind")},
                alert="UsherDeadLetters",
            ),
            lines(
                "Sent to the dead letters",
                "By consumer and why.",
                "ops",
                {"{{consumer}} {{kind}}": or_calm(rate("usher_dead_letters_total", "consumer, kind"), "consumer")},
                alert="UsherDeadLetters",
            ),
            lines(
                "Clients built anew",
                "Consumers whose client failed or was stuck.",
                "ops",
                {"{{consumer}}": or_calm(rate("usher_consumer_rebuilds_total", "consumer"), "consumer")},
                alert="UsherConsumerStuck",
            ),
            lines(
                "Published again",
                "After the broker lost them.",
                "ops",
                {"{{topic}}": or_calm(rate("usher_relay_refilled_total", "topic"), "topic")},
                alert="UsherKafkaAway",
            ),
        ),
    )
