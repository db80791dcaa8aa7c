from domain_kit.countries import countries, is_country


def test_the_249_countries_of_iso_3166_are_known_and_what_is_reserved_is_not():
    assert len(countries()) == 249
    assert all(is_country(code) for code in ("CA", "FR", "DE", "SS", "AX"))
    assert not any(is_country(code) for code in ("UK", "EU", "XK", "AC", "ca", "", "CAN"))
