import pytest
from google.type.money_pb2 import Money
from hypothesis import given
from hypothesis import strategies as st

from domain_kit.refusals import InvalidArgument
from resource_api import numbered_lines, read_message


def test_only_line_feeds_end_a_line_and_empty_ones_are_counted_but_passed_over():
    assert numbered_lines("a\n\n \u2028b\r\n", most=5, field="f") == [(1, "a"), (3, " \u2028b\r")]


def test_far_too_many_lines_are_refused_before_they_are_looked_at():
    assert numbered_lines("\n" * 10, most=5, field="f") == []
    with pytest.raises(InvalidArgument) as refused:
        numbered_lines("\n" * 11, most=5, field="content")
    assert [each.field for each in refused.value.violations] == ["content"]


def test_a_line_fills_a_message():
    message = Money()
    assert read_message('{"currencyCode": "EUR", "units": "3"}', message) == ""
    assert message == Money(currency_code="EUR", units=3)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "is no JSON: Expecting property name enclosed in double quotes at column 2."),
        ("[]", "must be a JSON object."),
        ('{"nonsense": 1}', 'Message type "google.type.Money" has no field named "nonsense"'),
    ],
)
def test_what_is_wrong_is_told(line, problem):
    assert read_message(line, Money()).startswith(problem)


@given(st.text(max_size=50))
def test_no_line_breaks_it(line):
    assert isinstance(read_message(line, Money()), str)
    assert isinstance(read_message('{"' + "[" * 3000, Money()), str)
    assert read_message('{"\\ud800": 1}', Money()).encode()
