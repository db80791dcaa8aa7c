"""Count again what facts have touched."""

import asyncio

from analytics_service.domain.facts import SheetKey
from analytics_service.domain.ports import Facts, Sheets

# A sheet on sale is counted once for all notes about it, however many facts it holds.
SHEETS_AT_ONCE = 200


async def count_sales(facts: Facts, sheets: Sheets, *, limit: int = SHEETS_AT_ONCE) -> int:
    """One round; how much was waiting. What somebody else was counting at the same time waits for the next.

    INVARIANT: a fact about which there is no note is in every sheet it belongs to, and in no other. The note comes in
    one step with the fact and goes only after sheets were written from facts read after it. A sheet is written only if
    nobody wrote it since its version was read, which was before its facts were read; so whoever writes last has read
    all that those before had. Hence any number of processes may count, and any may die anywhere.
    """
    waiting = await facts.uncounted(limit)
    touched = sorted({key for note in waiting for key in note.touched})
    written = await asyncio.gather(*(_count_again(facts, sheets, key) for key in touched))
    done = {key for key, was_written in zip(touched, written, strict=True) if was_written}
    await facts.counted([note for note in waiting if note.touched.keys() <= done])
    return len(waiting)


async def _count_again(facts: Facts, sheets: Sheets, key: SheetKey) -> bool:
    version = await sheets.version(key)
    return await sheets.replace(await facts.sheet_of(key), version)
