"""Facts in Elasticsearch, for whoever wants to explore them; figures do not come from here."""

from collections.abc import Sequence

from analytics_service.domain.facts import FiledFact
from analytics_service.outbound.documents import FIGURES, shown_documents
from elastic_store import ElasticRefused, Index, IndexDefinition, IndexMissing, Outcome, Put

# Raise it with every change of MAPPING.
GENERATION = 3
KEYWORD, LONG = {"type": "keyword"}, {"type": "long"}
MAPPING = {
    "dynamic": "strict",
    "properties": {
        **dict.fromkeys(
            ["domain_event", "kind", "organizer", "event", "booking", "payment", "ticket_type", "currency", "base"],
            KEYWORD,
        ),
        "line": {"type": "integer"},
        "time": {"type": "date", "format": "epoch_millis"},
        # On the organizer's clock, made when the fact was filed.
        "zone": KEYWORD,
        "day": {"type": "date", "format": "strict_date"},
        "week": KEYWORD,
        "hour": {"type": "byte"},
        # Minor units and counts. A `sum` of them is a double: exact below 2⁵³.
        **dict.fromkeys(FIGURES, LONG),
    },
}


def definition(name: str) -> IndexDefinition:
    """The index behind alias `name`."""
    return IndexDefinition(name, MAPPING, {"number_of_shards": 1}, GENERATION)


class ElasticFactIndex:
    """analytics_service.domain.ports.FactIndex."""

    def __init__(self, index: Index) -> None:
        self._index = index

    async def put(self, facts: Sequence[FiledFact]) -> Sequence[FiledFact]:
        """Show them; those that are settled, the rest has to be repeated. Makes the index where it is missing.

        ElasticRefused where a document does not fit the mapping, which is a mistake of this program.
        """
        await self._index.ensure()
        owners = {id: filed for filed in facts for id in shown_documents(filed)}
        writes = [
            Put(id, document, version=filed.zone.version)
            for filed in facts
            for id, document in shown_documents(filed).items()
        ]
        busy: set[str] = set()
        for result in await self._index.bulk(writes):
            if result.outcome is Outcome.BUSY:
                busy.add(owners[result.id].fact.id)
            elif result.outcome is Outcome.REFUSED:
                raise ElasticRefused("fact_refused", f"{result.id}: {result.reason}")
        return [filed for filed in facts if filed.fact.id not in busy]

    async def held(self) -> int:
        """How many facts it holds that count something."""
        try:
            await self._index.refresh()
            return await self._index.count({"term": {"line": 1}})
        except IndexMissing:
            return 0
