"""Runs SDKs that block on the event loop: where one would wait for its gateway, its caller awaits instead.

Only what such an SDK does before and after a call of the gateway takes the loop's time. In threads it took the same
time of the same core, and more for taking turns with the loop.
"""

from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from greenlet import getcurrent, greenlet

P = ParamSpec("P")
T = TypeVar("T")


class _Call(greenlet):  # type: ignore[misc]  # greenlet has no types
    """A stack of its own for an SDK, which it leaves to wait."""


async def run(fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `fn` returns or raises; all that it waits for has to go through `awaited`.

    A caller that goes away takes the call along: what it waits for is cancelled.
    """
    call = _Call(fn)
    wanted: Any = call.switch(*args, **kwargs)  # at last, what it returns
    while not call.dead:
        try:
            given = await wanted
        except Exception as error:  # noqa: BLE001 - for the SDK, or for what is above it
            wanted = call.throw(error)
        except BaseException as gone:
            call.throw(gone)
            raise
        else:
            wanted = call.switch(given)
    returned: T = wanted
    return returned


def awaited(wanted: Coroutine[Any, Any, T]) -> T:
    """What it gives or raises; RuntimeError outside of `run`, where nobody could await it."""
    here = getcurrent()
    if not isinstance(here, _Call) or here.parent is None:
        wanted.close()
        raise RuntimeError("whoever called this would block the event loop")
    given: T = here.parent.switch(wanted)
    return given
