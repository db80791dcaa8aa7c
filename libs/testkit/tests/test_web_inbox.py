"""An application at an address of its own leaves nothing open, however late others connect."""

import asyncio
import gc
import socket

import aiohttp
import pytest
from aiohttp import web

from testkit.web_inbox import answering_at


def application() -> web.Application:
    async def take(request: web.Request) -> web.Response:
        return web.Response(text="taken")

    application = web.Application()
    application.router.add_post("/hook", take)
    return application


async def test_what_an_application_answers_comes_from_its_address():
    async with (
        answering_at(application()) as url,
        aiohttp.ClientSession() as session,
        session.post(f"{url}/hook") as answer,
    ):
        assert await answer.text() == "taken"


@pytest.mark.parametrize("rounds", range(6))
def test_who_connects_at_the_last_moment_leaves_nothing_open(rounds: int):
    """A warning that something was left open is an error here."""

    async def late() -> None:
        with socket.socket() as client:
            async with answering_at(application()) as url:
                client.setblocking(False)
                client.connect_ex(("127.0.0.1", int(url.rsplit(":", 1)[1])))
                for _ in range(rounds):
                    await asyncio.sleep(0)

    asyncio.run(late())
    gc.collect()
