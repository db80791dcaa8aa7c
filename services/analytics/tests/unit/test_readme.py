"""The README names what the service listens to."""

import re
from pathlib import Path

from analytics_service.inbound.consumers import Listener

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")


def test_the_table_of_domain_events_is_what_is_subscribed(memory_stores) -> None:
    stores = memory_stores()
    subscriptions = Listener(stores.facts, stores.organizers, lambda: None).subscriptions()
    listened = {kind.DESCRIPTOR.name for each in subscriptions for kind in each.handlers}
    rows = [line for line in README.splitlines() if re.match(r"\| `[A-Z]\w+`", line)]
    assert {name for row in rows for name in re.findall(r"`([A-Z]\w+)`", row.split("|")[1])} == listened
