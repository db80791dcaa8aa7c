"""An rpc as the runtime knows it, worked out once at start."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from access import AccessRule

if TYPE_CHECKING:
    from grpc_runtime.call import Call

# Serves one call. An unary rpc returns its answer; a streaming one writes its answers to the call and returns None.
Handler = Callable[[Any, "Call"], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Method:
    """full_name: "usher.user.v1.UserService/GetUser"."""

    full_name: str
    service: str
    streams: bool
    rule: AccessRule


class Interceptor(Protocol):
    """One concern around all calls. `around` is asked once an rpc at start, so a call pays only for what applies."""

    def around(self, method: Method, following: Handler) -> Handler:
        """The handler with this concern added; `following` itself where nothing is to do."""
