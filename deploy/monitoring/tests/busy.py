"""People who use a stack: the journey of the demo, and what it leaves out, over and over."""

import threading
from contextlib import contextmanager

from usher_cli import journey as steps
from usher_cli.api import Api, ApiRefusal, fresh_id
from usher_cli.journey import Journey
from usher_cli.options import CommandFailure

MONEY = {"currencyCode": "EUR", "units": "5"}
TIMES = {"startTime": "2031-05-14T19:00:00Z", "endTime": "2031-05-14T22:00:00Z"}


class Crowd:
    """`rounds` tells how often everything has been done; what goes wrong ends it and is in `failures`."""

    def __init__(self, url, mail):
        self._url, self._mail = url, mail
        self._stopped = threading.Event()
        self.rounds, self.failures = 0, []

    def work(self):
        """Until it is stopped."""
        try:
            with Api(self._url) as api:
                while not self._stopped.is_set():
                    try:
                        self._once(api)
                    except CommandFailure:
                        continue  # something did not come within its time: this machine is slow, others are served on
                    self.rounds += 1
        except Exception as error:
            self.failures.append(error)

    def stop(self):
        self._stopped.set()

    def _once(self, api):
        journey = Journey(api, self._mail)
        for step in steps.STEPS:
            step(journey)
        api.get("/v1/events:suggest", query={"prefix": "aur"})
        api.get("/v1/events:search", query={"query": "nothing is called so"})
        api.get(f"/v1/{journey.buyer.name}/notifications", token=journey.buyer_token)
        event, wanted = self._full_event(api, journey)
        self._refused(api, journey, event, wanted)
        self._post(api, f"{event}/waitingListEntries", wanted, journey.buyer_token)
        # Who has been admitted cannot cancel: another booking.
        for step in (steps.places_are_held, steps.first_card_is_declined, steps.second_card_pays):
            step(journey)
        api.post(f"/v1/{journey.booking['name']}:cancel", {"requestId": fresh_id()}, token=journey.buyer_token)

    def _post(self, api, path, body, token):
        return api.post(f"/v1/{path}", body, token=token, query={"requestId": fresh_id()})

    def _full_event(self, api, journey):
        """An event whose only place the buyer holds, and what they wanted."""
        terms = {"waitingList": {"enabled": True}, "holdDuration": "86400s"}
        draft = {"organizer": journey.organizer, "title": "Full", "timeZone": "UTC", "online": True, **TIMES}
        event = self._post(api, "events", {**draft, "bookingTerms": terms}, journey.owner_token)["name"]
        pool = self._post(api, f"{event}/capacityPools", {"displayName": "Room", "capacity": 1}, journey.owner_token)
        kind = {"displayName": "Seat", "price": MONEY, "capacityPools": [pool["name"]]}
        ticket_type = self._post(api, f"{event}/ticketTypes", kind, journey.owner_token)["name"]
        api.post(f"/v1/{event}:publish", {"requestId": fresh_id()}, token=journey.owner_token)
        other = Journey(api, self._mail, event=event)
        steps._wait_until_on_sale(other)
        wanted = {"ticketType": ticket_type, "quantity": 1}
        self._post(api, f"{event}/bookings", {"lines": [wanted]}, journey.buyer_token)
        return event, wanted

    def _refused(self, api, journey, event, wanted):
        try:
            self._post(api, f"{event}/bookings", {"lines": [wanted]}, journey.owner_token)
        except ApiRefusal as refusal:
            assert refusal.reason == "SOLD_OUT"  # noqa: PT017 - it has to be raised, and with this reason
        else:
            raise AssertionError("two people hold one place")


@contextmanager
def busy(url, mail):
    """A Crowd that is at work meanwhile."""
    crowd = Crowd(url, mail)
    worker = threading.Thread(target=crowd.work, name="crowd")
    worker.start()
    try:
        yield crowd
    finally:
        crowd.stop()
        worker.join()
