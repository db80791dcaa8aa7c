"""Which path does what, of Stripe's API version 1."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway_sandbox import balance, customers, payment_intents, refunds
from gateway_sandbox import parameters as p
from gateway_sandbox.errors import StripeError, invalid
from gateway_sandbox.ledger import Object
from gateway_sandbox.network import Network
from gateway_sandbox.parameters import Parameters

Act = Callable[[Network, str, Parameters], Object]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`path` has one group for an id, or none. `publishable`: a browser may call it with the client secret."""

    method: str
    path: str
    act: Act
    publishable: bool = False


def find(method: str, path: str) -> tuple[Endpoint, str]:
    """The endpoint and the id in the path; 404 as Stripe answers a wrong URL."""
    for endpoint in ENDPOINTS:
        found = re.fullmatch(endpoint.path, path)
        if found and endpoint.method == method:
            return endpoint, "".join(found.groups())
    raise StripeError(404, "invalid_request_error", f"Unrecognized request URL ({method}: {path}).")


def _retrieve(kind: str, param: str) -> Act:
    def act(network: Network, identifier: str, given: Parameters) -> Object:
        p.only(given, ("client_secret",))
        found = network.find(kind, identifier, param=param)
        if kind == "payment_intent" and "latest_charge" in dict(given.get("expand", {})).values():
            found["latest_charge"] = network.ledger.load("charge", found["latest_charge"] or "")
        return found

    return act


def _list(kind: str, path: str) -> Act:
    def act(network: Network, _: str, given: Parameters) -> Object:
        p.only(given, ("limit", "starting_after", "payment_intent", "charge", "type", "customer", "created"))
        limit = p.integer(given, "limit") or 10
        if limit > 100:
            raise invalid("This value must be less than or equal to 100.", param="limit")
        parent, after = p.text(given, "payment_intent") or "", p.text(given, "starting_after") or ""
        if after:
            network.find(kind, after, param="starting_after", in_path=False)
        span = p.span(given, "created")
        wanted = {name: value for name in ("charge", "customer", "type") if (value := p.text(given, name))}
        found = [
            each
            for each in network.ledger.page(kind, parent=parent, after=after, limit=-1 if wanted or span else limit + 1)
            if all(each.get(name) == value for name, value in wanted.items())
            and all(holds(each["created"], bound) for holds, bound in span)
        ]
        shown = found[:limit]
        if "data.source" in dict(given.get("expand", {})).values():
            shown = [balance.with_source(network, each) for each in shown]
        return {"object": "list", "url": path, "has_more": len(found) > limit, "data": shown}

    return act


def _readable(kind: str, path: str, param: str, *, publishable: bool = False) -> Sequence[Endpoint]:
    return (
        Endpoint("GET", path, _list(kind, path)),
        Endpoint("GET", f"{path}/([^/]+)", _retrieve(kind, param), publishable),
    )


ENDPOINTS: Sequence[Endpoint] = (
    Endpoint("POST", "/v1/payment_intents", lambda network, _, given: payment_intents.create(network, given)),
    Endpoint("POST", "/v1/payment_intents/([^/]+)", payment_intents.update),
    Endpoint("POST", "/v1/payment_intents/([^/]+)/confirm", payment_intents.confirm, publishable=True),
    Endpoint("POST", "/v1/payment_intents/([^/]+)/capture", payment_intents.capture),
    Endpoint("POST", "/v1/payment_intents/([^/]+)/cancel", payment_intents.cancel),
    Endpoint("POST", "/v1/customers", lambda network, _, given: customers.create(network, given)),
    Endpoint("POST", "/v1/setup_intents", lambda network, _, given: customers.set_up(network, given)),
    Endpoint("POST", "/v1/payment_methods/([^/]+)/detach", customers.detach),
    Endpoint("POST", "/v1/refunds", lambda network, _, given: refunds.create(network, given)),
    Endpoint("POST", "/v1/refunds/([^/]+)", refunds.update),
    *_readable("payment_intent", "/v1/payment_intents", "intent", publishable=True),
    *_readable("refund", "/v1/refunds", "refund"),
    *_readable("charge", "/v1/charges", "charge"),
    *_readable("event", "/v1/events", "id"),
    *_readable("balance_transaction", "/v1/balance_transactions", "id"),
    *_readable("dispute", "/v1/disputes", "dispute"),
    *_readable("customer", "/v1/customers", "customer"),
    *_readable("setup_intent", "/v1/setup_intents", "intent"),
    *_readable("payment_method", "/v1/payment_methods", "payment_method"),
)
