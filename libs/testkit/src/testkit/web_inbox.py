"""An aiohttp application at an address of its own: where a test receives webhooks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web


@asynccontextmanager
async def answering_at(application: web.Application) -> AsyncIterator[str]:
    """Its address, such as `http://127.0.0.1:40123`. Who sends webhooks has stopped when the block ends.

    It is asked for / once at the end, which is nothing to an application that only receives.
    """
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield url
        # Connections are accepted in their order: after this one all are in hand that others made at the last moment.
        # asyncio before Python 3.13 leaves one open for ever that it accepts while its server is closed.
        async with aiohttp.ClientSession() as session, session.get(url):
            pass
    finally:
        await runner.cleanup()
