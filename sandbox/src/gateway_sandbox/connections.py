"""Connections that break, whatever is asked over them: a far end that is dead, and answers lost on their way."""

from collections.abc import Callable

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from gateway_sandbox.switches import Switches


def breaking(switches_at: Callable[[str], Switches | None]) -> Middleware:
    """Breaks them as the switches of the provider say whose API a path belongs to; None: nobody's."""

    @web.middleware
    async def break_or_pass(request: web.Request, handler: Handler) -> web.StreamResponse:
        switches = switches_at(request.path)
        if switches is None:
            return await handler(request)
        if switches.down:
            return _cut(request, web.Response(status=503))
        lost = switches.count_down("drop_nth")
        answer = await handler(request)
        return _cut(request, answer) if lost else answer

    return break_or_pass


def _cut(request: web.Request, answer: web.StreamResponse) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return answer
