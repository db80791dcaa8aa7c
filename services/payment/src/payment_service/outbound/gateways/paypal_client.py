"""PayPal's SDK, called in threads: answers as the JSON that came, errors as refusals."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from paypalserversdk.configuration import Configuration, Server
from paypalserversdk.exceptions.api_exception import ApiException
from paypalserversdk.http.auth.o_auth_2 import ClientCredentialsAuthCredentials
from paypalserversdk.paypal_serversdk_client import PaypalServersdkClient

from domain_kit.refusals import Unavailable
from payment_service.outbound.gateways.paypal_errors import refusal_of
from payment_service.outbound.gateways.said_no import unavailable
from payment_service.outbound.gateways.threads import Threads

Answer = tuple[int, Any]


class PayPalClient:
    """One pool of threads and of connections; nothing is repeated. timeout: seconds, for connecting and each read."""

    def __init__(self, credentials: Mapping[str, str], timeout: float) -> None:
        self._threads = Threads("paypal")
        base = credentials["url"].rstrip("/")

        class Addressed(Configuration):  # type: ignore[misc]
            def get_base_uri(self, server: Any = Server.DEFAULT) -> str:  # noqa: ARG002
                return base

        # The SDK's own way to a token hides why there is none.
        account = ClientCredentialsAuthCredentials(
            credentials["client_id"],
            credentials["client_secret"],
            o_auth_token_provider=lambda _, authority: authority.fetch_token(),
        )
        self._configuration = Addressed(timeout=timeout, max_retries=0, client_credentials_auth_credentials=account)
        self._sdk: Any = PaypalServersdkClient(config=self._configuration)

    async def orders(self, verb: str, **options: Any) -> Answer:
        """A method of the Orders controller: status and JSON. No, or Unavailable."""
        return await self._threads.run(self._ask, lambda sdk: getattr(sdk.orders, verb), options)

    async def payments(self, verb: str, **options: Any) -> Answer:
        """The same of the Payments controller."""
        return await self._threads.run(self._ask, lambda sdk: getattr(sdk.payments, verb), options)

    async def transactions(self, **options: Any) -> Answer:
        """One page of transaction search."""
        return await self._threads.run(self._ask, lambda sdk: sdk.transaction_search.search_transactions, options)

    def close(self) -> None:
        """Take no more, and close the connections."""
        self._threads.close()
        self._configuration.http_client.session.close()

    def _ask(self, method: Callable[[Any], Callable[[Any], Any]], options: Mapping[str, Any]) -> Answer:
        sdk = self._sdk
        try:
            answer = method(sdk)(options)
            return answer.status_code, json.loads(answer.text or "{}")
        except ApiException as error:
            refusal = refusal_of(error.response_code, str(error.response.text))
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            # The session's errors are OSErrors; the others are an answer that is not what the SDK expects.
            refusal = unavailable()
        if isinstance(refusal, Unavailable) and refusal.reason == "GATEWAY_REFUSES_US":
            # A token may be called back before its time: the next call gets another.
            self._sdk = PaypalServersdkClient(config=self._configuration)
        raise refusal
