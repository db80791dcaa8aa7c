"""Mails: what waits, what leaves, what does not."""

from monitoring_config.boards import Board, Section, areas, lines, number
from monitoring_config.dashboards import rows
from monitoring_config.promql import grown, highest, or_none, percentiles, rate, share

MAILS = "usher_notifications_total"


def board() -> Board:
    """Of the notification service."""
    return Board(
        name="notifications",
        title="Usher / Notifications",
        text="Mails from the domain event that asks for them to the server that takes them.",
        service="notification",
        sections=(
            Section(
                "Now",
                (
                    number(
                        "Delivered",
                        "In the time that is shown.",
                        "short",
                        or_none(grown(MAILS, where='outcome="delivered"')),
                        width=6,
                    ),
                    number(
                        "Given up",
                        "In the time that is shown.",
                        "short",
                        or_none(grown(MAILS, where='outcome="failed"')),
                        warn=1,
                        alarm=10,
                        alert="UsherMailsGivenUp",
                        width=6,
                    ),
                    number(
                        "Waiting",
                        "For being sent (counted up to 1,000).",
                        "short",
                        highest("usher_notifications_waiting"),
                        alert="UsherMailsWait",
                        width=6,
                    ),
                    number(
                        "Oldest waiting",
                        "Age of the oldest that waits.",
                        "s",
                        highest("usher_notifications_oldest_waiting_seconds"),
                        warn=60,
                        alarm=300,
                        alert="UsherMailsWait",
                        width=6,
                    ),
                ),
            ),
            Section(
                "Mails",
                (
                    areas(
                        "By outcome",
                        "queued, delivered, failed (given up).",
                        "ops",
                        {"{{outcome}}": rate(MAILS, "outcome")},
                    ),
                    areas(
                        "Delivered by template",
                        "What they say.",
                        "ops",
                        {"{{template}}": rate(MAILS, "template", 'outcome="delivered"')},
                    ),
                    lines(
                        "From queue to server",
                        "How long a mail takes to be taken by the next server.",
                        "s",
                        percentiles("usher_notification_delivery_seconds"),
                        alert="UsherMailsWait",
                    ),
                    lines(
                        "Given up",
                        "Share of what ended.",
                        "percentunit",
                        {
                            "given up": share(
                                rate(MAILS, where='outcome="failed"'), rate(MAILS, where='outcome=~"delivered|failed"')
                            )
                        },
                        alert="UsherMailsGivenUp",
                    ),
                    lines(
                        "Waiting",
                        "Mails, and the age of the oldest in seconds.",
                        "short",
                        {
                            "mails": highest("usher_notifications_waiting"),
                            "oldest, seconds": highest("usher_notifications_oldest_waiting_seconds"),
                        },
                        alert="UsherMailsWait",
                    ),
                ),
            ),
            Section("Mail server", rows.dependencies()),
            rows.consuming(),
        ),
    )
