"""What the clients of the bench do: the calls of one iteration of each case."""

import json
from collections.abc import Sequence

from measuring import Case
from sale import Sale

EMPTY, HOLD, MIX, SPREAD, FULL = "empty rpc", "hold", "mix", "spread", "full event"


def hold(sale: Sale) -> dict[str, str]:
    """CreateBooking of one place."""
    body = json.dumps({"lines": [{"ticketType": sale.ticket_type, "quantity": 1}]})
    return {"method": "POST", "path": f"/v1/{sale.event}/bookings?requestId={{id}}", "body": body}


def empty_rpc() -> Case:
    """The fastest call there is: answered from memory, through the same gateway and interceptors."""
    return Case(EMPTY, [[{"method": "GET", "path": "/.well-known/jwks.json"}]])


def holds(name: str, sales: Sequence[Sale]) -> Case:
    """One hold an iteration, each next one on the next event."""
    return Case(name, [[hold(sale)] for sale in sales], books=True)


def mix(sale: Sale) -> Case:
    """Hold, confirm, cancel: three calls an iteration."""

    def verb(name: str) -> dict[str, str]:
        return {"method": "POST", "path": f"/v1/{{name}}:{name}", "body": '{"requestId":"{id}"}'}

    return Case(MIX, [[hold(sale), verb("confirm"), verb("cancel")]], books=True)
