"""Somebody signs in, puts an event on sale, holds a place there and gives it back."""

import re
import secrets
from datetime import UTC, datetime, timedelta

from gateway_config.smoke.visit import Account, Skipped, Visit, Wrong, fresh_id, told

PLACES = 3
HELD = 2
SIGN_IN = "/v1/sessions:signIn"
_CODE = re.compile(r"^([A-Za-z0-9._~-]{20,})$", re.MULTILINE)


def signs_in(visit: Visit) -> None:
    """Somebody registers where mail can be read, and signs in; a wrong password is refused"""
    account = visit.account or registered(visit, _somebody(visit))
    status, answer = visit.ask("POST", SIGN_IN, {"email": account.email, "password": account.password + "?"})
    if status != 401:
        raise Wrong(f"a wrong password: {told(status, answer)}")
    signed_in(visit, account)
    visit.organizer = organizer_of(visit)


def event_is_found(visit: Visit) -> None:
    """An event that is published is found by its words, and on sale"""
    visit.event = _published(visit)

    def found() -> bool | None:
        status, body = visit.ask("GET", f"/v1/events:search?query={visit.mark}")
        return True if status == 200 and any(hit["event"] == visit.event for hit in body["hits"]) else None

    visit.eventually(found, "the event in the search")
    visit.eventually(lambda: True if _left(visit) == PLACES else None, "the event on sale")


def booking_is_held_and_cancelled(visit: Visit) -> None:
    """Places are held, given back, and free again; the event is cancelled then"""
    if not visit.event:
        raise Skipped("no event was made")
    lines = [{"ticketType": visit.ticket_type, "quantity": HELD}]
    booking = visit.done("POST", f"/v1/{visit.event}/bookings?requestId={fresh_id()}", {"lines": lines})
    if booking["state"] != "BOOKING_STATE_HELD":
        raise Wrong(f"the booking is {booking['state']}")
    visit.eventually(lambda: True if _left(visit) == PLACES - HELD else None, "fewer places")
    cancelled = visit.done("POST", f"/v1/{booking['name']}:cancel", {"requestId": fresh_id()})
    if cancelled["state"] != "BOOKING_STATE_CANCELLED":
        raise Wrong(f"the booking is {cancelled['state']}")
    visit.eventually(lambda: True if _left(visit) == PLACES else None, "the places back")
    visit.done("POST", f"/v1/{visit.event}:cancel", {"requestId": fresh_id()})


def registered(visit: Visit, account: Account) -> Account:
    """A new account with its address proved."""
    if visit.mail is None:
        raise Skipped("neither an account nor a mailbox is given")
    body = {"email": account.email, "password": account.password, "displayName": "Test", "requestId": fresh_id()}
    status, answer = visit.ask("POST", "/v1/users:register", body)
    if status != 200:
        raise Wrong(f"registration: {told(status, answer)}")
    proved(visit, account)
    return account


def proved(visit: Visit, account: Account) -> None:
    """The address is theirs, by the code in the newest mail; an older one, which counts no more, may come first."""
    mail, tried = visit.mail or (lambda _: None), set[str]()

    def shown() -> bool | None:
        code = _CODE.search(mail(account.email) or "")
        if code is None or code[1] in tried:
            return None
        tried.add(code[1])
        proof = {"token": code[1], "password": account.password, "requestId": fresh_id()}
        return True if visit.ask("POST", "/v1/users:verifyEmail", proof)[0] == 200 else None

    visit.eventually(shown, "a mail with a code that is taken")


def signed_in(visit: Visit, account: Account) -> None:
    """With a token that names the organizers of the account."""
    status, answer = visit.ask("POST", SIGN_IN, {"email": account.email, "password": account.password})
    if status != 200:
        raise Wrong(f"sign-in: {told(status, answer)}")
    visit.token, visit.refresh_token = answer["accessToken"], answer["refreshToken"]


def organizer_of(visit: Visit) -> str:
    """The account's own, made once."""
    found = visit.done("GET", "/v1/organizers?pageSize=1")["organizers"]
    if found:
        return str(found[0]["name"])
    body = {"displayName": "Test of a release", "timeZone": "UTC", "countryCode": "FR"}
    name = str(visit.done("POST", f"/v1/organizers?requestId={fresh_id()}", body)["name"])
    status, answer = visit.ask("POST", "/v1/sessions:refresh", {"refreshToken": visit.refresh_token})
    if status != 200:
        raise Wrong(f"new tokens: {told(status, answer)}")
    visit.token, visit.refresh_token = answer["accessToken"], answer["refreshToken"]
    return name


def _somebody(visit: Visit) -> Account:
    return Account(f"smoke.{visit.mark}@example.org", secrets.token_urlsafe(24))


def _published(visit: Visit) -> str:
    """A free event in ten years, so that it is in nobody's way."""
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3650)
    event = {
        "organizer": visit.organizer,
        "title": f"Test of a release {visit.mark}",
        "description": "Made and cancelled by the test of a release.",
        "startTime": start.isoformat().replace("+00:00", "Z"),
        "endTime": (start + timedelta(hours=1)).isoformat().replace("+00:00", "Z"),
        "timeZone": "UTC",
        "languageCode": "en",
        "online": True,
    }
    name = str(visit.done("POST", f"/v1/events?requestId={fresh_id()}", event)["name"])
    pool = {"displayName": "Room", "capacity": PLACES}
    room = visit.done("POST", f"/v1/{name}/capacityPools?requestId={fresh_id()}", pool)["name"]
    ticket_type = {
        "displayName": "Free entry",
        "price": {"currencyCode": "EUR", "units": "0"},
        "capacityPools": [room],
    }
    made = visit.done("POST", f"/v1/{name}/ticketTypes?requestId={fresh_id()}", ticket_type)
    visit.ticket_type = made["name"]
    visit.done("POST", f"/v1/{name}:publish", {"requestId": fresh_id()})
    return name


def _left(visit: Visit) -> int | None:
    """Places of the only ticket type; None before it is on sale."""
    status, body = visit.ask("GET", f"/v1/{visit.event}/availability")
    if status != 200 or not body["bookable"]:
        return None
    (only,) = body["ticketTypes"]
    return int(only["remaining"])
