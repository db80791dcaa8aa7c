"""All dashboards."""

from collections.abc import Sequence

from monitoring_config.boards import Board
from monitoring_config.dashboards import (
    business,
    capacity,
    event_backbone,
    notifications,
    objectives,
    on_sale,
    overview,
    payments,
    search,
    services,
)


def every_board() -> Sequence[Board]:
    """In the order in which a reader goes from the whole to its parts."""
    return (
        overview.board(),
        objectives.board(),
        business.board(),
        on_sale.board(),
        payments.board(),
        notifications.board(),
        search.board(),
        event_backbone.board(),
        capacity.board(),
        *services.boards(),
    )
