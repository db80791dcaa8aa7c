"""The figures are those of the law on the day, and what is not known is refused."""

from datetime import date

import pytest

from compliance import TaxClass, tax_places, tax_rates
from domain_kit.refusals import FailedPrecondition, InvalidArgument

STANDARD, REDUCED, EXEMPT, CULTURAL = (
    TaxClass.STANDARD, TaxClass.REDUCED, TaxClass.EXEMPT, TaxClass.ADMISSION_CULTURAL,
)  # fmt: skip
EU = {
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV",
    "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
}  # fmt: skip
PROVINCES = {
    "CA-AB", "CA-BC", "CA-MB", "CA-NB", "CA-NL", "CA-NS", "CA-NT", "CA-NU", "CA-ON", "CA-PE", "CA-QC", "CA-SK", "CA-YT",
}  # fmt: skip
OTHERS = {"AU", "BR", "CH", "CI", "GB", "IN", "JP", "KE", "MX", "NO", "NZ", "SG", "SN", "US", "ZA"}

GOLDEN = [
    ("DE", STANDARD, "2020-06-30", "19"), ("DE", STANDARD, "2020-07-01", "16"), ("DE", STANDARD, "2020-12-31", "16"),
    ("DE", STANDARD, "2021-01-01", "19"), ("DE", REDUCED, "2020-06-30", "7"), ("DE", REDUCED, "2020-10-01", "5"),
    ("DE", REDUCED, "2021-01-01", "7"), ("DE", CULTURAL, "2026-05-01", "7"), ("GB", STANDARD, "2026-01-01", "20"),
    ("GB", CULTURAL, "2020-08-01", "5"), ("GB", CULTURAL, "2021-09-30", "5"), ("GB", CULTURAL, "2021-10-01", "12.5"),
    ("GB", CULTURAL, "2022-04-01", "20"), ("FI", STANDARD, "2024-08-31", "24"), ("FI", STANDARD, "2024-09-01", "25.5"),
    ("FI", CULTURAL, "2024-12-31", "10"), ("FI", CULTURAL, "2025-06-01", "14"), ("FI", CULTURAL, "2026-01-01", "13.5"),
    ("EE", STANDARD, "2023-12-31", "20"), ("EE", STANDARD, "2024-01-01", "22"), ("EE", STANDARD, "2025-06-30", "22"),
    ("EE", STANDARD, "2025-07-01", "24"), ("SK", STANDARD, "2024-12-31", "20"), ("SK", STANDARD, "2025-01-01", "23"),
    ("IE", STANDARD, "2020-09-01", "21"), ("IE", STANDARD, "2021-03-01", "23"), ("LU", STANDARD, "2023-12-31", "16"),
    ("LU", STANDARD, "2024-01-01", "17"), ("RO", STANDARD, "2025-07-31", "19"), ("RO", STANDARD, "2025-08-01", "21"),
    ("CH", STANDARD, "2023-12-31", "7.7"), ("CH", STANDARD, "2024-01-01", "8.1"), ("FR", CULTURAL, "2025-05-01", "5.5"),
    ("JP", STANDARD, "2019-09-30", "8"), ("JP", STANDARD, "2019-10-01", "10"), ("SG", STANDARD, "2022-12-31", "7"),
    ("SG", STANDARD, "2023-01-01", "8"), ("SG", STANDARD, "2024-01-01", "9"), ("KE", STANDARD, "2020-12-31", "14"),
    ("ZA", STANDARD, "2018-03-31", "14"), ("ZA", STANDARD, "2018-04-01", "15"), ("SN", STANDARD, "2026-01-01", "18"),
    ("CI", STANDARD, "2026-01-01", "18"), ("CA-ON", STANDARD, "2026-01-01", "13"),
    ("CA-NS", STANDARD, "2025-03-31", "15"), ("CA-NS", STANDARD, "2025-04-01", "14"),
]  # fmt: skip


def percents(place: str, tax_class: TaxClass, day: str) -> list[tuple[str, float]]:
    return [(rate.name, rate.per_100_000 / 1000) for rate in tax_rates(place, tax_class, date.fromisoformat(day))]


@pytest.mark.parametrize(("place", "tax_class", "day", "percent"), GOLDEN)
def test_the_rate_of_a_day_is_the_one_in_force(place: str, tax_class: TaxClass, day: str, percent: str) -> None:
    assert [figure for _, figure in percents(place, tax_class, day)] == [float(percent)]


def test_quebec_charges_two_taxes_and_the_second_to_a_thousandth_of_a_percent() -> None:
    assert percents("CA-QC", STANDARD, "2026-01-01") == [("GST", 5.0), ("QST", 9.975)]
    assert not any(rate.prices_include_tax for rate in tax_rates("CA-QC", STANDARD, date(2026, 1, 1)))


def test_provinces_differ_in_whether_admission_is_taxed() -> None:
    assert percents("CA-SK", CULTURAL, "2022-09-30") == [("GST", 5.0), ("PST", 0.0)]
    assert percents("CA-SK", CULTURAL, "2022-10-01") == [("GST", 5.0), ("PST", 6.0)]
    assert percents("CA-BC", CULTURAL, "2026-01-01") == [("GST", 5.0), ("PST", 0.0)]


def test_where_nothing_is_charged_the_reason_stands_beside_the_zero() -> None:
    (rate,) = tax_rates("US", STANDARD, date(2026, 1, 1))
    assert (rate.per_100_000, "county" in rate.reason) == (0, True)
    assert {rate.name for rate in tax_rates("BR", STANDARD, date(2026, 1, 1))} == {"ISS", "ICMS"}


def test_every_place_answers_for_the_standard_rate_and_for_exempt_supplies() -> None:
    assert tax_places() == EU | PROVINCES | OTHERS
    for place in tax_places():
        assert tax_rates(place, STANDARD, date(2026, 2, 1))
        assert all(not rate.per_100_000 and rate.reason for rate in tax_rates(place, EXEMPT, date(2026, 2, 1)))


def test_members_of_the_union_keep_the_directives_least_standard_rate() -> None:
    """INVARIANT: 15 % or more, Directive 2006/112/EC, Article 97."""
    for place in EU:
        (rate,) = tax_rates(place, STANDARD, date(2026, 2, 1))
        assert (rate.per_100_000 >= 15_000, rate.prices_include_tax, rate.name) == (True, True, "VAT")


@pytest.mark.parametrize(("place", "reason"), [
    ("ZZ", "TAX_PLACE_UNKNOWN"), ("de", "TAX_PLACE_UNKNOWN"), ("", "TAX_PLACE_UNKNOWN"), ("CA", "TAX_PLACE_TOO_WIDE"),
    ("ES-CN", "TAX_PLACE_UNKNOWN"),
])  # fmt: skip
def test_a_place_without_figures_is_refused_by_name(place: str, reason: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        tax_rates(place, STANDARD, date(2026, 1, 1))
    assert refused.value.reason == reason


@pytest.mark.parametrize(("place", "tax_class", "day"), [
    ("DE", STANDARD, date(2006, 12, 31)), ("DK", REDUCED, date(2026, 1, 1)), ("BE", CULTURAL, date(2026, 3, 1)),
    ("IN", CULTURAL, date(2026, 1, 1)), ("CA-QC", STANDARD, date(2012, 12, 31)),
])  # fmt: skip
def test_a_class_or_day_without_a_figure_is_refused_and_never_guessed(
    place: str, tax_class: TaxClass, day: date
) -> None:
    """INVARIANT: no day is answered with another day's figure, nor a place of two taxes with one of them."""
    with pytest.raises(FailedPrecondition) as refused:
        tax_rates(place, tax_class, day)
    assert refused.value.reason == "TAX_RATE_UNKNOWN"
    assert refused.value.metadata["place"] == place
