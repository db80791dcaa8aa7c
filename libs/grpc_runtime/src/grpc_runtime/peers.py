"""Which services may call: whose certificate has one of the names that are allowed."""

from collections.abc import Collection
from typing import Any

from domain_kit.refusals import PermissionDenied
from grpc_runtime.call import Call
from grpc_runtime.method import Handler, Method

SUBJECT_ALTERNATIVE_NAMES = "x509_subject_alternative_name"


class Peers:
    """Refuses calls of processes that the CA knows, but that have no business here."""

    def __init__(self, allowed: Collection[str]) -> None:
        self._allowed = frozenset(name.encode() for name in allowed)

    def around(self, method: Method, following: Handler) -> Handler:  # noqa: ARG002 the same for each method
        """Every rpc; health and reflection never come through here."""
        allowed = self._allowed

        async def known(request: Any, call: Call) -> Any:
            if allowed.isdisjoint(call.auth_context().get(SUBJECT_ALTERNATIVE_NAMES, ())):
                raise PermissionDenied(
                    "PEER_NOT_ALLOWED", "The certificate of this caller is not one that may call here."
                )
            return await following(request, call)

        return known
