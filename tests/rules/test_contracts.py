"""What every contract must have beyond what `buf lint` asks for."""

import re
from collections.abc import Iterator

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor

from contracts.compiler import compile_image
from contracts.image import Image, access_rule, field_at, http_rule, resource_patterns, validation
from contracts.openapi.paths import bound_fields, verb_and_template
from contracts.places import Places
from grpc_runtime.validation import REQUEST_ID
from usher.access.v1 import access_pb2
from usher.buf.validate import validate_pb2

# Mutations without a request id, and why repeating them does no harm or must not be answered from memory.
WITHOUT_REQUEST_ID = {
    "usher.user.v1.UserService.SignIn": "each makes a session of its own, and its tokens are never stored",
    "usher.user.v1.UserService.RefreshTokens": "the refresh token itself is used once",
    "usher.user.v1.UserService.SignOut": "ending a session twice changes nothing",
    "usher.booking.v1.BookingService.QuoteBooking": "it changes nothing; POST, for what it asks about is a body",
    "usher.payment.v1.PaymentService.ReceiveStripeWebhook": "the body carries the provider's event id",
    "usher.payment.v1.PaymentService.ReceiveWebhook": "the body carries the provider's event id",
}
# Resources that clients change without an etag, and why no update can be lost.
WITHOUT_ETAG = {"usher.user.v1.Member": "its role is all that changes, and is always set as a whole"}
# Lists that come whole, and why.
NOT_IN_PAGES = {
    "usher.booking.v1.TicketService.ListTicketKeys": "a key set is one document, of a few keys",
    "usher.payment.v1.PaymentService.ListPaymentCurrencies": "there are no more currencies than the world has",
    "usher.payment.v1.PaymentService.ListPaymentMethods": "there are few, and they are ranked together",
}
# Fields in domain events whose name sounds like a person's, and whose they are.
NOT_OF_A_PERSON = {
    "usher.event.v1.Venue.display_name": "a place",
    "usher.event.v1.TicketType.display_name": "something that is sold",
    "usher.event.v1.CapacityPool.display_name": "a room or a quota",
    "usher.event.v1.PricePhase.display_name": "a price",
    "usher.event.v1.EventDate.display_name": "a performance",
    "usher.event.v1.Discount.display_name": "a reduction",
    "usher.event.v1.Section.display_name": "a part of a hall",
    "usher.user.v1.Organizer.display_name": "a company, shown to the public",
    "usher.booking.v1.TicketTypeAvailability.display_name": "something that is sold",
    "usher.booking.v1.BookingLine.display_name": "something that was sold",
    "usher.booking.v1.PriceReduction.display_name": "a discount or a voucher",
    "usher.booking.v1.TaxAmount.display_name": "a tax",
    "usher.booking.v1.BaseTax.display_name": "a tax",
    "usher.booking.v1.Ticket.display_name": "something that was sold",
    "usher.booking.v1.CheckInList.display_name": "a door or a day",
    "usher.payment.v1.Invoice.seller_display_name": "a company, shown to the public",
    "usher.payment.v1.InvoiceTax.display_name": "a tax",
    "usher.payment.v1.PayoutTransfer.recipient": "an organizer",
}
PERSONAL = re.compile(
    r"(^|_)(e?mail|email_address|phone|phone_number|display_name|full_name|given_name|family_name|first_name|last_name"
    r"|birth_date|ip_address|user_agent|postal_address|recipient|attendee_name|holder_name)$"
)
SECRET = re.compile(r"(^|_)(password|secret|token|private_key|card_number)($|_)")


@pytest.fixture(scope="module")
def image() -> Image:
    places = Places.of_checkout()
    return Image(compile_image(places.protos, places.contract_files(), source_info=True))


def mutations(image: Image) -> Iterator[MethodDescriptor]:
    for method in image.methods():
        rule = http_rule(method)
        if rule is not None and rule.WhichOneof("pattern") != "get":
            yield method


def domain_events(image: Image) -> list[Descriptor]:
    """Top messages of the domain_events.proto files that are not parts of others there."""
    messages = [m for m in image.messages() if m.file.name.endswith("/domain_events.proto") and not m.containing_type]
    parts = {field.message_type.full_name for message in messages for field in message.fields if field.message_type}
    return [message for message in messages if message.full_name not in parts]


def fields_within(message: Descriptor, seen: set[str] | None = None) -> Iterator[FieldDescriptor]:
    seen = set() if seen is None else seen
    if message.full_name in seen:
        return
    seen.add(message.full_name)
    for field in message.fields:
        yield field
        if field.message_type and field.message_type.full_name.startswith("usher."):
            yield from fields_within(field.message_type, seen)


def test_the_services_are_described(image):
    assert sorted(service.full_name for service in image.services()) == [
        "usher.analytics.v1.AnalyticsService",
        "usher.booking.v1.AttendeeService",
        "usher.booking.v1.BookingChangeService",
        "usher.booking.v1.BookingService",
        "usher.booking.v1.CheckInService",
        "usher.booking.v1.ResaleService",
        "usher.booking.v1.SeatingService",
        "usher.booking.v1.TicketService",
        "usher.booking.v1.VoucherService",
        "usher.booking.v1.WaitingListService",
        "usher.booking.v1.WaitingRoomService",
        "usher.event.v1.EventService",
        "usher.notification.v1.NotificationService",
        "usher.payment.v1.InvoiceService",
        "usher.payment.v1.LedgerService",
        "usher.payment.v1.PaymentService",
        "usher.payment.v1.SavedPaymentMethodService",
        "usher.search.v1.SearchService",
        "usher.user.v1.UserService",
    ]


def test_every_rpc_is_reachable_over_http(image):
    assert [method.full_name for method in image.methods() if http_rule(method) is None] == []


def test_every_path_variable_and_body_is_a_field_of_the_request(image):
    missing = []
    for method in image.methods():
        rule = http_rule(method)
        wanted = [*bound_fields(verb_and_template(rule)[1]), *([rule.body] if rule.body not in {"", "*"} else [])]
        missing += [(method.full_name, path) for path in wanted if field_at(method.input_type, path) is None]
    assert missing == []


def test_no_two_rpcs_answer_the_same_request(image):
    shapes = [
        (verb, re.sub(r"\{[^=}]+=([^}]+)\}|\{[^}]+\}", lambda match: match[1] or "*", template))
        for verb, template in (verb_and_template(http_rule(method)) for method in image.methods())
    ]
    assert sorted(shapes) == sorted(set(shapes))


def test_every_rpc_has_an_access_rule(image):
    """INVARIANT: nobody reaches an rpc that nobody decided about."""
    rules = {method.full_name: access_rule(method) for method in image.methods()}
    assert [name for name, rule in rules.items() if rule is None or rule.WhichOneof("who") is None] == []
    flags = {name: rule.public or rule.signed_in or rule.HasField("grant") for name, rule in rules.items()}
    assert [name for name, chosen in flags.items() if not chosen] == []


def test_every_grant_names_a_resource_in_the_request_and_somebody_who_may(image):
    wrong = []
    for method in image.methods():
        rule = access_rule(method)
        if rule is not None and rule.HasField("grant"):
            field = field_at(method.input_type, rule.grant.resource)
            if field is None or field.type != FieldDescriptor.TYPE_STRING or field.is_repeated:
                wrong.append(f"{method.full_name}: {rule.grant.resource}")
            if not rule.grant.permission and not rule.grant.owner:
                wrong.append(f"{method.full_name}: nobody")
    assert wrong == []


def test_every_mutation_can_be_repeated_safely(image):
    without = {method.full_name for method in mutations(image) if "request_id" not in method.input_type.fields_by_name}
    assert without == set(WITHOUT_REQUEST_ID)


def test_reading_takes_no_request_id(image):
    changing = {method.full_name for method in mutations(image)}
    reading = [method for method in image.methods() if method.full_name not in changing]
    assert [method.full_name for method in reading if "request_id" in method.input_type.fields_by_name] == []


def test_a_request_is_as_right_under_another_request_id_and_at_another_time(image):
    """What services rely on that remember which requests were right (grpc_runtime.validation)."""
    rules = validate_pb2.FieldRules(string={"pattern": f"^{REQUEST_ID.pattern}$"})
    for message in image.messages():
        rest = str(message.GetOptions().Extensions[validate_pb2.message])
        for field in message.fields:
            mine = validation(field)
            if field.name == "request_id":
                assert (mine, field.has_presence) == (rules, False), message.full_name
            else:
                rest += str(mine)
        assert not re.search(r"request_id|\bnow\b|[lg]t_now|within", rest), message.full_name


def test_every_update_takes_a_mask(image):
    updates = [method for method in image.methods() if method.name.startswith("Update")]
    assert [method.full_name for method in updates if "update_mask" not in method.input_type.fields_by_name] == []


def test_every_resource_that_clients_change_has_an_etag(image):
    changed = {method.output_type for method in mutations(image) if resource_patterns(method.output_type)}
    assert {m.full_name for m in changed if "etag" not in m.fields_by_name} == set(WITHOUT_ETAG)


def test_every_list_comes_in_pages(image):
    lists = [m for m in image.methods() if m.name.startswith(("List", "Search")) and m.full_name not in NOT_IN_PAGES]
    assert lists
    for method in lists:
        assert {"page_size", "page_token"} <= set(method.input_type.fields_by_name), method.full_name
        assert "next_page_token" in method.output_type.fields_by_name, method.full_name


def test_everything_has_a_comment(image):
    declared = [declaration.full_name for service in image.services() for declaration in (service, *service.methods)]
    for message in image.messages():
        declared += [message.full_name, *(field.full_name for field in message.fields)]
        declared += [name for enum in message.enum_types for name in _names_in(enum)]
    for file in image.files:
        declared += [name for enum in file.enum_types_by_name.values() for name in _names_in(enum)]
    assert [name for name in declared if not image.comments.get(name)] == []


def _names_in(enum) -> list[str]:
    return [enum.full_name, *(f"{enum.full_name}.{value.name}" for value in enum.values)]


def test_there_are_at_least_25_domain_events_named_as_facts(image):
    names = [message.name for message in domain_events(image)]
    assert len(names) >= 25
    as_facts = re.compile(r"(ed|Held|CheckedIn|CheckedOut|Undone|NoShow|Left|Sold|Lost|Withdrawn)$")
    assert [name for name in names if not as_facts.search(name)] == []


def test_personal_data_in_domain_events_is_marked(image):
    """INVARIANT: erasing a person's key erases all that the event store knows of the person."""
    unmarked = {
        field.full_name
        for message in domain_events(image)
        for field in fields_within(message)
        if field.type in {FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES}
        and PERSONAL.search(field.name)
        and not field.GetOptions().Extensions[access_pb2.personal_data]
    }
    assert unmarked - set(NOT_OF_A_PERSON) == set()


def test_a_secret_in_a_domain_event_is_kept_out_of_logs(image):
    """INVARIANT: whoever reads the logs cannot act for anybody."""
    fields = (field for message in domain_events(image) for field in fields_within(message))
    secrets = {field.full_name: field for field in fields if SECRET.search(field.name)}
    assert [name for name, field in secrets.items() if not field.GetOptions().debug_redact] == []
