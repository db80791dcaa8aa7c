"""Terms are read as they were agreed on, and nothing malformed is."""

import json
from pathlib import Path

import pytest

from domain_kit.money import Money
from payment_service.domain.terms import Share, Terms
from payment_service.outbound.terms_file import expected_fee, read_terms

USUAL = {"fee_basis_points": 250, "fee_returned": True, "holding_days": 7, "shares": {}}


def written(folder: Path, document: object) -> str:
    path = folder / "terms.json"
    path.write_text(json.dumps(document))
    return str(path)


def test_without_a_file_nobody_pays_a_fee() -> None:
    assert read_terms("").of("organizers/o") == Terms(0, True, 7)


def test_an_organizer_has_what_was_agreed_and_all_others_the_usual(tmp_path: Path) -> None:
    own = {**USUAL, "fee_basis_points": 100, "fee_returned": False, "shares": {"organizers/p": 2000}}
    book = read_terms(written(tmp_path, {"usual": USUAL, "agreed": {"organizers/o": own}}))
    assert book.of("organizers/o") == Terms(100, False, 7, (Share("organizers/p", 2000),))
    assert book.of("organizers/x") == Terms(250, True, 7)


@pytest.mark.parametrize(
    "wrong",
    [
        {"fee_basis_points": 10_001}, {"holding_days": -1}, {"shares": {"organizers/p": 10_001}},
        {"shares": {"organizers/p": 0}}, {"fee": 1}, {"fee_basis_points": "a lot"},
    ],
)  # fmt: skip
def test_malformed_terms_are_refused_with_whose_they_are(tmp_path: Path, wrong: dict[str, object]) -> None:
    path = written(tmp_path, {"usual": USUAL, "agreed": {"organizers/o": {**USUAL, **wrong}}})
    with pytest.raises(ValueError, match="organizers/o"):
        read_terms(path)
    with pytest.raises(ValueError, match="usual"):
        read_terms(written(tmp_path, {"usual": USUAL}))


def test_a_gateway_without_a_file_is_expected_to_keep_nothing() -> None:
    assert expected_fee("nowhere", Money(1000, "CAD")) == Money(0, "CAD")
