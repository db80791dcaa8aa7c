"""What the search service measures."""

from telemetry import counter, families

SEARCHES = counter("searches", "First pages of searches.", {"outcome": "`found` or `empty`"})
SUGGESTIONS = counter("suggestions", "Suggestions asked for.", {"outcome": "`found` or `empty`"}, rare="once asked for")
HEALED = counter("index_heals", "Times that the index had lost something and was filled again.")

METRICS = (
    *families.EVERY_SERVICE, *families.CONSUMES, *families.INDEXES, SEARCHES, SUGGESTIONS, HEALED
)  # fmt: skip
