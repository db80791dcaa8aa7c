"""What organizers and buyers do, in numbers a manager asks for."""

from monitoring_config.boards import Board, Section, areas, lines, number
from monitoring_config.promql import grown, or_calm, or_none, rate

EVERYWHERE = "EVERYWHERE"


def board() -> Board:
    """Counters of the time that is shown, and how they went."""
    return Board(
        name="business",
        title="Usher / Business",
        text="Events, accounts, bookings, money and mails, as they are counted. Analytics has the exact figures.",
        sections=(_totals(), _rates(), _money()),
    )


def _count(metric: str, outcome: str) -> str:
    return or_none(grown(metric, where=f'outcome="{outcome}"', scope=EVERYWHERE))


def _totals() -> Section:
    return Section(
        "In the time that is shown",
        (
            number("Accounts", "Registered.", "short", _count("usher_users_total", "registered")),
            number("Organizers", "Founded.", "short", _count("usher_organizers_total", "created")),
            number("Events", "Published.", "short", _count("usher_events_total", "published")),
            number("Bookings", "Confirmed.", "short", _count("usher_bookings_total", "confirmed")),
            number(
                "Tickets",
                "Of confirmed bookings.",
                "short",
                or_none(grown("usher_tickets_issued_total", scope=EVERYWHERE)),
            ),
            number("Admissions", "At the door.", "short", _count("usher_check_ins_total", "admitted")),
            number("Payments", "That succeeded.", "short", _count("usher_payments_total", "succeeded")),
            number("Refunds", "Paid back.", "short", _count("usher_refunds_total", "completed")),
            number("Invoices", "With credit notes.", "short", _count("usher_invoices_total", "issued")),
            number("Payouts", "To organizers.", "short", or_none(grown("usher_payouts_total", scope=EVERYWHERE))),
            number("Mails", "Taken by the next server.", "short", _count("usher_notifications_total", "delivered")),
            number("Searches", "First pages.", "short", or_none(grown("usher_searches_total", scope=EVERYWHERE))),
        ),
    )


def _rates() -> Section:
    return Section(
        "How it went",
        (
            areas(
                "Bookings",
                "By what became of them.",
                "ops",
                {"{{outcome}}": rate("usher_bookings_total", "outcome", scope=EVERYWHERE)},
            ),
            areas(
                "Refused holds",
                "By the reason that buyers were told.",
                "ops",
                {"{{reason}}": or_calm(rate("usher_bookings_refused_total", "reason", scope=EVERYWHERE), "reason")},
                alert="UsherSaleTakesNothing",
            ),
            lines(
                "Accounts and sessions",
                "Registrations, sign-ins, refreshes.",
                "ops",
                {
                    "accounts {{outcome}}": rate("usher_users_total", "outcome", scope=EVERYWHERE),
                    "sessions {{outcome}}": rate("usher_sessions_total", "outcome", scope=EVERYWHERE),
                },
            ),
            lines(
                "Events",
                "Drafted, published, cancelled.",
                "ops",
                {"{{outcome}}": rate("usher_events_total", "outcome", scope=EVERYWHERE)},
            ),
            areas(
                "Admissions",
                "At the door.",
                "ops",
                {"{{outcome}}": rate("usher_check_ins_total", "outcome", scope=EVERYWHERE)},
            ),
            lines(
                "Waiting lists and resale",
                "What became of entries and offers.",
                "ops",
                {
                    "waiting list {{outcome}}": or_calm(
                        rate("usher_waiting_list_total", "outcome", scope=EVERYWHERE), "outcome"
                    ),
                    "resale {{outcome}}": or_calm(
                        rate("usher_resale_offers_total", "outcome", scope=EVERYWHERE), "outcome"
                    ),
                },
            ),
        ),
    )


def _money() -> Section:
    taken, returned = "usher_payments_captured_minor_units_total", "usher_refunds_completed_minor_units_total"
    return Section(
        "Money",
        (
            lines(
                "Taken",
                "In minor units (cents) an hour, by currency.",
                "short",
                {"{{currency}}": f"3600 * {rate(taken, 'currency', scope=EVERYWHERE)}"},
            ),
            lines(
                "Paid back",
                "In minor units (cents) an hour, by currency.",
                "short",
                {"{{currency}}": or_calm(f"3600 * {rate(returned, 'currency', scope=EVERYWHERE)}", "currency")},
            ),
            areas(
                "Payments",
                "By gateway, of those that succeeded.",
                "ops",
                {"{{gateway}}": rate("usher_payments_total", "gateway", 'outcome="succeeded"', EVERYWHERE)},
            ),
        ),
    )
