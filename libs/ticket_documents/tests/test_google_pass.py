"""The token is what Google's documentation asks for, and others can verify it."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from ticket_documents.google_pass import GoogleSigner, google_pass, pass_payload

NOW = datetime(2027, 1, 1, tzinfo=UTC)
ISSUER = "3388000000012345678"


@pytest.fixture
def account(rsa_pem):
    said = {"client_email": "wallet@usher.iam.example", "private_key_id": "k1", "private_key": rsa_pem}
    return json.dumps({"type": "service_account", **said})


def test_the_token_verifies_and_saves_to_the_wallet(occasion, admissions, account, rsa_pem):
    signer = GoogleSigner.from_account(ISSUER, account)
    token = jwt.decode(
        google_pass(occasion, admissions[0], signer, language_code="en", now=NOW), RSAKey.import_key(rsa_pem), ["RS256"]
    )
    assert token.header == {"alg": "RS256", "typ": "JWT", "kid": "k1"}
    claims = token.claims
    assert (claims["iss"], claims["aud"], claims["typ"]) == ("wallet@usher.iam.example", "google", "savetowallet")
    assert claims["iat"] == int(NOW.timestamp())
    assert claims["payload"] == pass_payload(occasion, admissions[0], issuer=ISSUER, language_code="en")


def test_a_token_changed_on_the_way_does_not_verify(occasion, admissions, account, rsa_pem):
    """INVARIANT: only the service account makes passes."""
    signer = GoogleSigner.from_account(ISSUER, account)
    head, body, proof = google_pass(occasion, admissions[0], signer, language_code="en", now=NOW).split(".")
    with pytest.raises(Exception, match="bad_signature"):
        jwt.decode(f"{head}.{body[:-8]}AAAAAAAA.{proof}", RSAKey.import_key(rsa_pem), ["RS256"])


def test_event_and_ticket_have_the_documented_shape(occasion, admissions):
    payload = pass_payload(occasion, admissions[0], issuer=ISSUER, language_code="fr")
    (event,), (ticket,) = payload["eventTicketClasses"], payload["eventTicketObjects"]
    assert event["id"] == f"{ISSUER}.event-01jz000000000000000000evnt"
    assert event["eventName"] == {"defaultValue": {"language": "fr", "value": occasion.title}}
    assert event["reviewStatus"] == "UNDER_REVIEW"
    assert event["dateTime"] == {"start": "2027-03-06T19:30:00+01:00", "end": "2027-03-06T23:00:00+01:00"}
    assert event["venue"]["name"]["defaultValue"]["value"] == "Palais des congrès"
    assert event["merchantLocations"] == [{"latitude": 48.8786, "longitude": 2.2831}]
    assert (ticket["classId"], ticket["state"]) == (event["id"], "ACTIVE")
    assert ticket["barcode"] == {"type": "QR_CODE", "value": admissions[0].code}
    assert ticket["reservationInfo"] == {"confirmationCode": "01JZ000000000000000000B00K"}
    assert ticket["ticketHolderName"] == "Ada Lovelace 1"
    assert ticket["seatInfo"]["seat"]["defaultValue"]["value"] == "Row 1"


def test_half_a_venue_is_none(occasion, admissions):
    """The format wants a name and an address."""
    bare = replace(occasion, address="", location=None)
    payload = pass_payload(bare, replace(admissions[0], attendee="", seat=""), issuer=ISSUER, language_code="en")
    assert not {"venue", "merchantLocations"} & set(payload["eventTicketClasses"][0])
    assert not {"ticketHolderName", "seatInfo"} & set(payload["eventTicketObjects"][0])


def test_what_is_no_account_is_refused(account):
    broken = json.dumps({**json.loads(account), "private_key": "x"})
    for issuer, text in (
        (ISSUER, "{}"),
        (ISSUER, "["),
        (ISSUER, "7"),
        (ISSUER, broken),
        ("me", account),
        ("", account),
    ):
        with pytest.raises(ValueError):
            GoogleSigner.from_account(issuer, text)
