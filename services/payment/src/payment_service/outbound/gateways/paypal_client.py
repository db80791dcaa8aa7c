"""PayPal's SDK: answers as the JSON that came, errors as refusals."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

from paypalserversdk.configuration import Configuration, Server
from paypalserversdk.exceptions.api_exception import ApiException
from paypalserversdk.http.auth.o_auth_2 import ClientCredentialsAuthCredentials
from paypalserversdk.paypal_serversdk_client import PaypalServersdkClient

from domain_kit.refusals import Unavailable
from payment_service.outbound.gateways.connections import Answer as Received
from payment_service.outbound.gateways.connections import Connections, NoAnswer
from payment_service.outbound.gateways.on_the_loop import awaited, run
from payment_service.outbound.gateways.paypal_errors import refusal_of
from payment_service.outbound.gateways.said_no import unavailable

Answer = tuple[int, Any]


class _Session:
    """What the SDK takes for a session of `requests`."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self.adapters: Mapping[str, Any] = {}
        self.session = self

    def request(self, method: str, url: str, **options: Any) -> Received:
        """Whatever was answered; NoAnswer."""
        return awaited(self._connections.request(method, url, **options))


class PayPalClient:
    """Nothing is repeated."""

    def __init__(self, credentials: Mapping[str, str], connections: Connections) -> None:
        self._token: Any = None
        self._fetching = asyncio.Lock()
        base = credentials["url"].rstrip("/")

        class Addressed(Configuration):  # type: ignore[misc]
            def get_base_uri(self, server: Any = Server.DEFAULT) -> str:  # noqa: ARG002
                return base

        # The SDK's own way to a token hides why there is none.
        account = ClientCredentialsAuthCredentials(
            credentials["client_id"],
            credentials["client_secret"],
            o_auth_token_provider=self._token_of,
        )
        self._configuration = Addressed(
            max_retries=0, http_client_instance=_Session(connections), client_credentials_auth_credentials=account
        )
        self._sdk: Any = PaypalServersdkClient(config=self._configuration)

    async def orders(self, verb: str, **options: Any) -> Answer:
        """A method of the Orders controller: status and JSON. No, or Unavailable."""
        return await run(self._ask, lambda sdk: getattr(sdk.orders, verb), options)

    async def payments(self, verb: str, **options: Any) -> Answer:
        """The same of the Payments controller."""
        return await run(self._ask, lambda sdk: getattr(sdk.payments, verb), options)

    async def transactions(self, **options: Any) -> Answer:
        """One page of transaction search."""
        return await run(self._ask, lambda sdk: sdk.transaction_search.search_transactions, options)

    def _token_of(self, _: object, authority: Any) -> Any:
        """One that is fetched once, however many calls begin without."""
        awaited(self._fetching.acquire())
        try:
            if self._token is None or authority.is_token_expired(self._token):
                self._token = authority.fetch_token()
            return self._token
        finally:
            self._fetching.release()

    def _ask(self, method: Callable[[Any], Callable[[Any], Any]], options: Mapping[str, Any]) -> Answer:
        sdk = self._sdk
        try:
            answer = method(sdk)(options)
            return answer.status_code, json.loads(answer.text or "{}")
        except ApiException as error:
            refusal = refusal_of(error.response_code, str(error.response.text))
        except (NoAnswer, ValueError, TypeError, KeyError, AttributeError):  # or an answer that the SDK does not expect
            refusal = unavailable()
        if isinstance(refusal, Unavailable) and refusal.reason == "GATEWAY_REFUSES_US":
            # A token may be called back before its time: the next call gets another.
            self._token, self._sdk = None, PaypalServersdkClient(config=self._configuration)
        raise refusal
