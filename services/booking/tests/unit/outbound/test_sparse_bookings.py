"""What is not said of a stored booking goes without saying."""

from dataclasses import replace

from hypothesis import given, settings

from booking_service.domain.booking import Booking
from booking_service.outbound import documents
from mongo_store.documents import as_stored
from testkit.any_value import any_of


@settings(max_examples=50, deadline=None)
@given(any_of(Booking))
def test_a_booking_is_stored_without_what_goes_without_saying_and_with_it_is_the_same(booking):
    kind = documents.KIND_OF[Booking]
    sparse, whole = (as_stored(each.to_document(booking)) for each in (kind, replace(kind, sparse=False)))
    assert kind.from_document(whole) == booking, "as earlier releases stored it"
    assert sparse == {name: value for name, value in whole.items() if name in sparse}
    assert {"event", "buyer", "state", "version", "lines"} <= sparse.keys()
    assert not any(
        value in (None, "", []) for name, value in sparse.items() if name in {"payment", "pending", "answers"}
    )
