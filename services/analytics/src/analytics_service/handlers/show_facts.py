"""Bring facts into the index they are explored in, and notice when it has lost some."""

from analytics_service.domain.ports import FactIndex, Facts

FACTS_AT_ONCE = 500


async def show_facts(facts: Facts, index: FactIndex, *, limit: int = FACTS_AT_ONCE) -> int:
    """One round; how many facts were waiting."""
    waiting = await facts.unshown(limit)
    told = [filed for note in waiting for filed in note.facts]
    if waiting:
        settled = {filed.fact.id for filed in await index.put(told)}
        await facts.shown([note for note in waiting if all(filed.fact.id in settled for filed in note.facts)])
    return len(told)


async def heal_index(facts: Facts, index: FactIndex) -> bool:
    """Whether the index had lost facts; all are shown again then, and those that are there stay as they are.

    What is not noted was accepted by the index before it was counted here, so less there means that it forgot.
    """
    shown = await facts.shown_count()
    if await index.held() >= shown:
        return False
    await facts.show_all_again()
    return True
