"""What the analytics service measures."""

from telemetry import counter, families

FACTS = counter("facts", "Facts of sales filed, repeats left out.", {"kind": "what was sold, paid back, admitted, …"})
HEALED = counter("index_heals", "Times that the index had lost something and was filled again.")

METRICS = (*families.EVERY_SERVICE, *families.CONSUMES, *families.INDEXES, FACTS, HEALED)
