"""The listener with everything behind it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from aiohttp import web

from gateway_sandbox import refunds
from gateway_sandbox.challenges import Challenges
from gateway_sandbox.connections import breaking
from gateway_sandbox.controls import Controls
from gateway_sandbox.ledger import Ledger
from gateway_sandbox.network import Network
from gateway_sandbox.provider import Envelope
from gateway_sandbox.providers import CARD_NETWORK, FarEnds, credentials
from gateway_sandbox.stripe_http import StripeHttp
from gateway_sandbox.switches import Switches
from gateway_sandbox.webhooks import SUBSCRIBED, Courier, stripe_envelope


@asynccontextmanager
async def serving(
    folder: Path,
    *,
    webhook_url: str = "",
    host: str = "127.0.0.1",
    port: int = 0,
    refunds_settle_seconds: float = 1.0,
    url: str = "",
    given: Mapping[str, Mapping[str, str]] | None = None,
) -> AsyncIterator[str]:
    """Serve while the block runs and give the base URL. Port 0: a free one; no `webhook_url`: events are only kept.

    url: where others reach it, if not at host and port. given: provider → credentials of a merchant there is already.

    webhook_url: where Stripe's events are sent; the other providers' go to `<its folder>/<provider>`.
    """
    ledger, switches = Ledger(folder), Switches()
    with socket.create_server((host, port)) as listener:
        url = url or f"http://{host}:{listener.getsockname()[1]}"
        secret = credentials(folder, url, given)[CARD_NETWORK]["webhook_secret"]
        courier = Courier(
            ledger,
            switches,
            webhook_url,
            partial(_stripe_event, ledger, secret),
            partial(refunds.settle_due, Network(ledger, SUBSCRIBED), refunds_settle_seconds),
        )
        ends = FarEnds(folder, url, webhook_url.rpartition("/")[0])
        carrying = [asyncio.create_task(each.run()) for each in (courier, *ends.couriers)]
        application = web.Application(middlewares=[breaking(partial(_switches_at, switches, ends))])
        controls = Controls(ledger, switches, courier.wake, serving=lambda: not any(task.done() for task in carrying))
        application.add_routes(controls.routes())
        application.router.add_route("*", "/v1/{rest:.*}", StripeHttp(ledger, switches, courier.wake, url).handle)
        application.add_routes(Challenges(ledger, courier.wake).routes())
        application.add_routes(ends.routes())
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=2.0)
        await runner.setup()
        try:
            await web.SockSite(runner, listener).start()
            yield url
        finally:
            await runner.cleanup()
            for task in carrying:
                task.cancel()
            await asyncio.gather(*carrying, return_exceptions=True)
            ends.close()
            ledger.close()


def _stripe_event(ledger: Ledger, secret: str, id: str) -> Envelope:
    return stripe_envelope(ledger.load("event", id) or {}, secret)


def _switches_at(network: Switches, ends: FarEnds, path: str) -> Switches | None:
    first = path.split("/")[1]
    if first == "v1":
        return network
    return ends.tills[first].switches if first in ends.tills else None
