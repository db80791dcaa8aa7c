"""The listener with everything behind it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from gateway_sandbox.controls import Controls
from gateway_sandbox.ledger import Ledger
from gateway_sandbox.stripe_http import StripeHttp
from gateway_sandbox.switches import Switches
from gateway_sandbox.webhooks import Courier


@asynccontextmanager
async def serving(
    folder: Path,
    *,
    webhook_url: str = "",
    webhook_secret: str = "",
    host: str = "127.0.0.1",
    port: int = 0,
    refunds_settle_seconds: float = 1.0,
) -> AsyncIterator[str]:
    """Serve while the block runs and give the base URL. Port 0: a free one; no `webhook_url`: events are only kept."""
    ledger, switches = Ledger(folder), Switches()
    courier = Courier(ledger, switches, webhook_url, webhook_secret, refunds_settle_seconds=refunds_settle_seconds)
    carrying = asyncio.create_task(courier.run())
    application = web.Application()
    controls = Controls(ledger, switches, courier.wake, serving=lambda: not carrying.done())
    application.add_routes(controls.routes())
    application.router.add_route("*", "/v1/{rest:.*}", StripeHttp(ledger, switches, courier.wake).handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
        carrying.cancel()
        await asyncio.gather(carrying, return_exceptions=True)
        ledger.close()
