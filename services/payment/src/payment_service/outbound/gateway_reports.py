"""A gateway's own books, asked for with its adapter."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib import import_module

from domain_kit.refusals import FailedPrecondition, NotFound
from payment_service.domain.gateways import Entry

SECONDS = 60.0
PRIORITY = "priority"  # of a gateway's entry in the file, what is ours


async def reported_by(
    gateway: str, credentials: Mapping[str, str], since: datetime, until: datetime
) -> Sequence[Entry]:
    """All lines of that time. NotFound GATEWAY_UNKNOWN; FailedPrecondition GATEWAY_REPORTS_NOTHING; Unavailable."""
    where = f"payment_service.outbound.gateways.{gateway}"
    try:
        module = import_module(where)
    except ModuleNotFoundError as missing:
        if missing.name != where:
            raise
        raise NotFound("GATEWAY_UNKNOWN", f"There is no gateway {gateway}.") from None
    own = {key: value for key, value in credentials.items() if key != PRIORITY}
    async with module.open_gateway(own, timeout=SECONDS, webhook_url="") as adapter:
        if not hasattr(adapter, "entries"):
            raise FailedPrecondition("GATEWAY_REPORTS_NOTHING", f"{gateway} has no report of its own books.")
        lines: Sequence[Entry] = await adapter.entries(since, until)
        return lines
