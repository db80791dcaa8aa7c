"""How late the event loop is: what every call waits for, whatever it does itself."""

import asyncio
from collections.abc import Callable

EVERY_SECONDS = 0.25


async def watch_lag(tell: Callable[[float], object], every: float = EVERY_SECONDS) -> None:
    """For ever: tell by how many seconds each wake-up came late."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + every
        await asyncio.sleep(every)
        tell(max(0.0, loop.time() - due))
