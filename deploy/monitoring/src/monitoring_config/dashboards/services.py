"""A dashboard for each service, all from one description."""

from collections.abc import Sequence
from dataclasses import dataclass

from monitoring_config.boards import Board, Panel, Section, areas, lines
from monitoring_config.dashboards import rows
from monitoring_config.promql import or_calm, quantile, rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What not all have. calls: dependencies outside; services: others that it asks; index: Elasticsearch."""

    name: str
    text: str
    publishes: bool = True
    consumes: bool = True
    calls: bool = False
    bulkheads: bool = False
    services: bool = False
    index: bool = False


SERVICES = (
    Service(name="user", text="Accounts, sign-in, organizers and their members.", consumes=False, bulkheads=True),
    Service(name="event", text="Events, ticket types, dates and terms.", consumes=False),
    Service(name="booking", text="Holds, bookings, tickets; the dashboard of a sale is “On sale”."),
    Service(
        name="payment",
        text="Payments, refunds, ledger, invoices, payouts; more on “Payments”.",
        calls=True,
        bulkheads=True,
        services=True,
    ),
    Service(name="notification", text="Mails; more on “Notifications”.", calls=True),
    Service(name="search", text="What visitors find; more on “Search”.", publishes=False, index=True),
    Service(name="analytics", text="Reports for organizers.", publishes=False, index=True),
)


def boards() -> Sequence[Board]:
    """One a service."""
    return [_board(each) for each in SERVICES]


def _board(service: Service) -> Board:
    sections = [rows.at_a_glance(), rows.rpcs()]
    outside: list[Panel] = [*(rows.dependencies() if service.calls else ())]
    if service.bulkheads:
        outside.append(rows.bulkheads())
    if outside:
        sections.append(Section("Dependencies", tuple(outside)))
    if service.services:
        sections.append(rows.other_services())
    sections.append(rows.store(journal=service.publishes))
    if service.index:
        sections.append(index())
    if service.publishes:
        sections.append(rows.publishing())
    if service.consumes:
        sections.append(rows.consuming())
    sections.append(rows.process())
    return Board(
        name=f"service-{service.name}",
        title=f"Usher / Service: {service.name}",
        text=service.text,
        sections=tuple(sections),
        service=service.name,
        tags=("usher", "usher-service"),
    )


def index() -> Section:
    """Elasticsearch, as those see it that ask it."""
    requests = "usher_elasticsearch_request_seconds"
    return Section(
        "Elasticsearch",
        (
            areas("Requests", "By operation.", "reqps", {"{{operation}}": rate(f"{requests}_count", "operation")}),
            lines(
                "Duration",
                "99 of 100 requests take no longer, by operation.",
                "s",
                {"{{operation}}": quantile(0.99, requests, "operation")},
                alert="UsherIndexFails",
            ),
            lines(
                "Failures",
                "Requests without a good answer.",
                "reqps",
                {
                    "{{operation}}": or_calm(
                        rate("usher_elasticsearch_request_failures_total", "operation"), "operation"
                    )
                },
                alert="UsherIndexFails",
            ),
        ),
    )
