import pytest

from domain_kit.refusals import InvalidArgument
from user_service.domain.profiles import known_zone, language_tag, shown_name


@pytest.mark.parametrize(
    ("given", "spelled"),
    [
        ("en", "en"),
        ("fr-ca", "fr-CA"),
        ("ZH-hant-tw", "zh-Hant-TW"),
        ("es-419", "es-419"),
        ("de-CH-1996", "de-CH-1996"),
    ],
)
def test_language_tags_get_their_usual_spelling(given, spelled):
    assert language_tag(given, "language_code") == spelled


@pytest.mark.parametrize("text", ["e", "english", "en_US", "en-", "-en", "en-toolongsubtag", "12"])
def test_what_is_no_language_tag_is_refused(text):
    with pytest.raises(InvalidArgument) as refusal:
        language_tag(text, "user.language_code")
    assert refusal.value.violations[0].field == "user.language_code"


@pytest.mark.parametrize("zone", ["UTC", "America/Toronto", "America/Argentina/Buenos_Aires", "Etc/GMT+5"])
def test_zones_of_the_database_are_known(zone):
    assert known_zone(zone, "time_zone") == zone


@pytest.mark.parametrize(
    "zone", ["", "Mars/Olympus", "../../etc/passwd", "America", "utc ", "tzdata.zi", "/UTC", "a" * 64]
)
def test_other_zones_are_refused(zone):
    with pytest.raises(InvalidArgument) as refusal:
        known_zone(zone, "time_zone")
    assert refusal.value.reason == "TIME_ZONE_UNKNOWN"


@pytest.mark.parametrize("name", ["", "   ", "a\nb", "a\x00b", "a\u202eb"])
def test_names_are_one_visible_line(name):
    with pytest.raises(InvalidArgument):
        shown_name(name, "display_name")
