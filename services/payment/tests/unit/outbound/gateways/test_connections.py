"""What goes over the wire, and what does not: netrc, cookies, redirects, more time than there is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from domain_kit.refusals import Unavailable
from payment_service.outbound.gateways import connections as module
from payment_service.outbound.gateways.connections import Connections, NoAnswer, TooLarge
from payment_service.outbound.gateways.kept_session import KeptSession, refusing
from payment_service.outbound.gateways.on_the_loop import run
from payment_service.outbound.resilient_gateway import ResilientGateway
from resilience import Breaker, Resilient

LONG = 1 << 17


@asynccontextmanager
async def far(*, timeout: float = 5.0) -> AsyncIterator[tuple[Connections, str, list[web.Request]]]:
    """Connections, an address, and what arrives there: /moved leads away, /slow never answers, the rest is an echo.

    Of a path with `endless` the answer never ends; `told` of one with `long` is how long it says that it is.
    """
    seen: list[web.Request] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        seen.append(request)
        if "endless" in request.path:
            stream = web.StreamResponse()
            await stream.prepare(request)
            while True:
                await stream.write(b" " * 65_536)
        if "long" in request.path:
            return web.Response(body=b" " * (LONG + ("more" in request.path)))
        if request.path == "/moved":
            raise web.HTTPFound("/elsewhere")
        if request.path == "/slow":
            await asyncio.Event().wait()
        told = web.json_response({"body": await request.text(), "address": request.raw_path})
        told.set_cookie("who", "you")
        return told

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app, host="127.0.0.1") as server, Connections(timeout) as connections:
        yield connections, str(server.make_url("/")), seen


@pytest.mark.parametrize(
    ("given", "body", "kind"),
    [
        ({}, "", "application/octet-stream"),
        ({"data": '{"a":"ü"}'}, '{"a":"ü"}', "application/octet-stream"),
        ({"content": b"raw", "headers": {"content-type": "text/csv"}}, "raw", "text/csv"),
        ({"data": {"a": "1 2", "b": None}}, "a=1+2", "application/x-www-form-urlencoded"),
        ({"data": [("a", 1), ("a", 2)]}, "a=1&a=2", "application/x-www-form-urlencoded"),
        ({"json": {"a": [1]}}, '{"a": [1]}', "application/json"),
    ],
)
async def test_a_body_is_written_as_the_sdk_gives_it(given, body, kind):
    async with far() as (connections, url, seen):
        answer = await connections.post(url, **given)
        assert (answer.status_code, answer.ok, answer.json()["body"]) == (200, True, body)
        assert seen[0].headers.get("Content-Type") == kind


@pytest.mark.parametrize(
    ("path", "params", "expected"),
    [
        ("/a%2Fb?c=%7E+d", None, "/a%2Fb?c=%7E+d"),  # signed as it is written
        ("/a?b=1", {"c": "d e", "f": None}, "/a?b=1&c=d+e"),
        ("/a", [("b[]", "x"), ("b[]", "y")], "/a?b%5B%5D=x&b%5B%5D=y"),
        ("/a b", None, "/a%20b"),
    ],
)
async def test_an_address_is_asked_to_the_letter(path, params, expected):
    async with far() as (connections, url, _):
        assert (await connections.get(url.rstrip("/") + path, params=params)).json()["address"] == expected


async def test_nobody_else_has_a_say_in_what_is_sent(monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    async with far() as (connections, url, seen):
        for given in ({"headers": {"Authorization": "ours", "X-None": None}}, {}, {"auth": ("id", "key")}):
            await connections.get(url, **given)
        assert [each.headers.get("Authorization") for each in seen] == ["ours", None, "Basic aWQ6a2V5"]
        assert not [each for each in seen if "Cookie" in each.headers or "X-None" in each.headers]


async def test_connections_are_kept_and_redirects_are_answers():
    async with far() as (connections, url, seen):
        assert (await connections.get(url + "moved")).status_code == 302
        await connections.get(url)
        assert [each.path for each in seen] == ["/moved", "/"]
        assert len({each.transport.get_extra_info("peername") for each in seen}) == 1


async def test_what_takes_too_long_or_is_not_there_is_no_answer():
    async with far(timeout=0.05) as (connections, url, _):
        with pytest.raises(NoAnswer):
            await connections.get(url + "slow", timeout=60)
    async with Connections(1.0) as connections:
        with pytest.raises(NoAnswer):
            await connections.get(url)


async def test_an_answer_that_never_ends_is_none(monkeypatch):
    """INVARIANT: however much a gateway sends, no more than the bound is kept, and its connection is not used again."""
    monkeypatch.setattr(module, "LARGEST_BYTES", LONG)
    async with far() as (connections, url, seen):
        for path in ("endless", "long/more"):
            with pytest.raises(TooLarge):
                await connections.get(url + path)
        assert len((await connections.get(url + "long")).content) == LONG
        assert len((await connections.get(url + "v3/billdownload/long/more")).content) == LONG + 1
        assert len({each.transport for each in seen}) > 1


async def test_a_gateway_that_sends_too_much_is_out_of_order(monkeypatch):
    """It is refused as one that does not answer, and its breaker opens."""
    monkeypatch.setattr(module, "LARGEST_BYTES", LONG)
    async with far() as (connections, url, _):

        class Far:
            name = "far"

            async def find(self, _order: object, _reference: str) -> None:
                with refusing("far", str):
                    await run(KeptSession(connections).get, url + "endless")

        breaker = Breaker("far", failures=2)
        gateway = ResilientGateway(Far(), Resilient("far", breaker=breaker), breaker)
        for _ in range(2):
            with pytest.raises(Unavailable, match="GATEWAY_UNAVAILABLE"):
                await gateway.find(None, "")
        assert (breaker.state, gateway.health.success_rate) == ("open", 0.0)


async def test_the_proxy_of_the_environment_is_used(monkeypatch):
    async with far() as (_, url, seen):
        monkeypatch.setenv("http_proxy", url)
        monkeypatch.setenv("no_proxy", "127.0.0.2")
        async with Connections(5.0) as connections:
            await connections.get("http://gateway.example/orders")
            with pytest.raises(NoAnswer):
                await connections.get("http://127.0.0.2:1/orders")
        assert [each.headers["Host"] for each in seen] == ["gateway.example"]
