import csv
import io
import json
from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st

from booking_service.domain.booking import Booking, Line, Ticket
from booking_service.domain.contacts import Contact
from booking_service.domain.offer import Offer
from booking_service.domain.questions import Answer, Attendee, Question, QuestionKind
from booking_service.domain.states import BookingState
from booking_service.inbound.attendee_files import COLUMNS, csv_writer, harmless, json_line, rows_of
from booking_service.inbound.attendee_rows import rows_of as rows_of_file
from domain_kit.money import Money
from grpc_runtime.validation import Validation
from usher.booking.v1 import attendee_service_pb2 as pb

EVENT = "events/01jz000000000000000000evnt"
DIET, GONE = f"{EVENT}/questions/diet", f"{EVENT}/questions/gone"
CELL = st.text(max_size=30) | st.sampled_from(
    ["=1+1", "+49", "-1", "@x", "\t=x", 'a"b', "a,b", "a\nb", "a\r\nb", "ü😀"]
)
VALIDATION = Validation()


def read_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def asking(make) -> Offer:
    return make.offer(questions=(Question(DIET, "Diet?", QuestionKind.TEXT, per_ticket=True),))


def booked(make, *attendees: Attendee, **changes) -> Booking:
    _, booking = make.held(standard=len(attendees))
    line = replace(booking.lines[0], attendees=attendees)
    return replace(booking, **{"lines": (line,), "buyer": "", "contact": Contact("C", "c@x.example"), **changes})


def exported(offer: Offer, booking: Booking) -> str:
    header, line = csv_writer(offer)
    return header + "".join(line(row) for row in rows_of(booking))


def test_whatever_people_wrote_comes_back_from_csv_and_nothing_of_it_is_a_formula(make):
    """INVARIANT: a spreadsheet runs nothing that an attendee wrote."""

    @given(CELL, CELL, CELL)
    @example("=cmd|'/c calc'!A0", "'=x", "a\r\n=b")
    def comes_back(name, diet, gone):
        booking = booked(make, Attendee(name, "", (Answer(DIET, diet), Answer(GONE, gone))))
        (row,) = read_csv(exported(asking(make), booking))
        assert row["attendee_name"] == harmless(name)
        assert row["questions/diet"] == harmless(diet)
        assert json.loads(row["other_answers"]) == {GONE: gone}
        for cell in row.values():
            assert cell[:1] not in ("=", "+", "-", "@", "\t", "\r")
        (line,) = [json.loads(json_line(each)) for each in rows_of(booking)]
        assert line.get("attendee_name", "") == name
        assert line["answers"] == {DIET: diet, GONE: gone}

    comes_back()


def test_a_harmless_cell_is_left_alone_and_a_formula_gets_an_apostrophe():
    assert [harmless(cell) for cell in ("Ada", "", "1-2", "a=b")] == ["Ada", "", "1-2", "a=b"]
    assert [harmless(cell) for cell in ("=1", "+1", "-1", "@a", "\tx")] == ["'=1", "'+1", "'-1", "'@a", "'\tx"]


def test_a_ticket_says_all_of_its_columns(make):
    _, booking = make.held(standard=1)
    line = Line(
        f"{EVENT}/ticketTypes/standard", 1, "Standard", Money(2500, "EUR"), ("hall",), date="d", seats=("a/b/1",)
    )
    ticket = Ticket(
        f"{booking.name}/tickets/t", line.ticket_type, "Standard", "code", check_in_time=make.NOW,
        check_out_time=make.NOW, date="d", seat="a/b/1",
        attendee=Attendee("Ada", "ada@example.org", (Answer(DIET, "none"),)),
    )  # fmt: skip
    booking = replace(
        booking, lines=(line,), tickets=(ticket,), state=BookingState.CHECKED_IN, confirm_time=make.NOW,
        contact=Contact("C", "c@x.example"), voucher_codes=("A", "B"),
    )  # fmt: skip
    (row,) = read_csv(exported(asking(make), booking))
    assert row == {
        "booking": booking.name, "booking_state": "CHECKED_IN", "buyer": "users/ada", "buyer_name": "C",
        "buyer_email": "c@x.example", "create_time": "2027-05-01T12:00:00Z", "confirm_time": "2027-05-01T12:00:00Z",
        "ticket": ticket.name, "ticket_state": "VALID", "check_in_time": "2027-05-01T12:00:00Z",
        "check_out_time": "2027-05-01T12:00:00Z", "ticket_type": line.ticket_type, "ticket_type_name": "Standard",
        "date": "d", "seat": "a/b/1", "attendee_name": "Ada", "attendee_email": "ada@example.org", "currency": "EUR",
        "list_price": "25.00", "discount": "0.00", "fee": "0.00", "tax": "0.00", "price": "25.00",
        "voucher_codes": "A B", "questions/diet": "none", "other_answers": "",
    }  # fmt: skip
    assert tuple(row)[: len(COLUMNS)] == COLUMNS


def test_places_that_have_no_ticket_yet_have_a_row_each(make):
    _, booking = make.held(standard=2)
    rows = [json.loads(json_line(row)) for row in rows_of(booking)]
    assert [row["ticket_type"] for row in rows] == [f"{EVENT}/ticketTypes/standard"] * 2
    assert all("ticket" not in row and row["price"] == "25.00" for row in rows)


def read(make, content, kind=pb.ATTENDEE_FILE_FORMAT_CSV):
    text = content if isinstance(content, bytes) else content.encode()
    return [row() for row in rows_of_file(text, kind, VALIDATION, asking(make))]


def test_cells_are_read_as_they_are_whatever_stands_in_them(make):
    @given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=5), st.sampled_from(",;\t"))
    def come_back(cells, delimiter):
        text = io.StringIO(newline="")
        writer = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL)
        writer.writerow(["ticket_type", "attendee_name", "questions/diet"])
        writer.writerows([("standard", *pair) for pair in cells])
        rows = read(make, text.getvalue())
        assert [(row.attendee.display_name, [a.text for a in row.attendee.answers]) for row in rows] == [
            (name, [diet] if diet else []) for name, diet in cells
        ]

    come_back()


def test_rows_have_the_number_of_the_line_they_begin_with(make):
    rows = read(make, 'ticket_type,attendee_name\r\nstandard,"A\nB"\r\n\r\nstandard,C\r\n')
    assert [(row.number, row.attendee.display_name) for row in rows] == [(2, "A\nB"), (5, "C")]


def test_csv_and_json_lines_say_the_same(make):
    buyer = "users/01jz0000000000000000000ada"
    header = (
        "\ufeffticket_type,order,date,seat,attendee_name,attendee_email,buyer,buyer_name,buyer_email,questions/diet"
    )
    (of_csv,) = read(make, f"{header}\nstandard,o,d, a/b/1 ,Ada,ada@x.example, {buyer} ,C,c@x.example,none\n")
    line = {
        "ticketType": f"{EVENT}/ticketTypes/standard", "order": "o", "date": f"{EVENT}/dates/d", "buyer": buyer,
        "seat": "a/b/1",
        "attendee": {
            "displayName": "Ada", "email": "ada@x.example", "answers": [{"question": DIET, "text": "none"}],
        },
        "contact": {"displayName": "C", "email": "c@x.example"},
    }  # fmt: skip
    (of_json,) = read(make, "\n" + json.dumps(line), pb.ATTENDEE_FILE_FORMAT_JSON_LINES)
    assert replace(of_csv, names={}) == of_json
    assert of_json.seat == "a/b/1"
    assert of_csv.names["attendee.answers[0]"] == "questions/diet"


def told(rows):
    return [(each.number, each.field, each.reason) for row in rows if isinstance(row, list) for each in row]


def test_what_cannot_be_read_is_told_by_row_and_column(make):
    csv_rows = read(make, 'ticket_type,buyer\nstandard\n,x\nstandard,nobody\nstandard,"open')
    assert told(csv_rows) == [
        (2, "", "ROW_UNREADABLE"), (3, "ticket_type", "FIELD_INVALID"), (3, "buyer", "FIELD_INVALID"),
        (4, "buyer", "FIELD_INVALID"), (5, "", "ROW_UNREADABLE"),
    ]  # fmt: skip
    assert told(read(make, "attendee_name,nonsense,attendee_name,questions/gone\nA,B,C,D")) == [
        (1, "nonsense", "FIELD_INVALID"), (1, "attendee_name", "FIELD_INVALID"), (1, "questions/gone", "FIELD_INVALID"),
        (1, "ticket_type", "FIELD_INVALID"),
    ]  # fmt: skip
    json_rows = read(make, '{"ticketType":"x","nonsense":1}\n[]\n{', pb.ATTENDEE_FILE_FORMAT_JSON_LINES)
    assert told(json_rows) == [(number, "", "ROW_UNREADABLE") for number in (1, 2, 3)]
