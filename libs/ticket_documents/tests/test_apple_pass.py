"""A telephone finds every part where the format says, and the signature holds."""

import hashlib
import io
import json
import zipfile

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from PIL import Image

from ticket_documents.apple_pass import AppleSigner, apple_pass, pass_content

MESSAGE_DIGEST = bytes.fromhex("06092a864886f70d010904")


@pytest.fixture
def signer(certificate_pem, rsa_pem):
    return AppleSigner.from_pem(certificate_pem, rsa_pem)


def opened(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def elements(der: bytes):
    """Tag, content and whole of each element in a row (X.690)."""
    at = 0
    while at < len(der):
        tag, length, start = der[at], der[at + 1], at + 2
        if length & 0x80:
            start, length = start + (length & 0x7F), int.from_bytes(der[start : start + (length & 0x7F)], "big")
        yield tag, der[start : start + length], der[at : start + length]
        at = start + length


def verify_detached(signature: bytes, content: bytes, key) -> None:
    """CMS SignedData with signed attributes (RFC 5652, 5.4)."""
    ((_, outer, _),) = elements(signature)
    (_, explicit, _) = list(elements(outer))[1]
    ((_, signed_data, _),) = elements(explicit)
    parts = list(elements(signed_data))
    assert len(list(elements(parts[2][1]))) == 1, "the content travels beside the signature"
    ((_, signer_info, _),) = elements(parts[-1][1])
    attributes = next(whole for tag, _, whole in elements(signer_info) if tag == 0xA0)
    _, _, digest = attributes.partition(MESSAGE_DIGEST)
    assert digest[4:36] == hashlib.sha256(content).digest()
    signed = b"\x31" + attributes[1:]
    proof = [value for tag, value, _ in elements(signer_info) if tag == 0x04][-1]
    key.verify(proof, signed, padding.PKCS1v15(), SHA256())


def test_the_archive_has_every_part_and_the_manifest_names_each(occasion, admissions, signer):
    files = opened(apple_pass(occasion, admissions[0], signer, language_code="en", logo=b"logo"))
    assert set(files) == {
        "pass.json", "icon.png", "icon@2x.png", "icon@3x.png", "logo.png", "manifest.json", "signature",
    }  # fmt: skip
    manifest = json.loads(files["manifest.json"])
    assert manifest == {
        name: hashlib.sha1(content).hexdigest()
        for name, content in files.items()
        if name not in {"manifest.json", "signature"}
    }
    assert [Image.open(io.BytesIO(files[f"icon{suffix}.png"])).size for suffix in ("", "@2x", "@3x")] == [
        (29, 29), (58, 58), (87, 87),
    ]  # fmt: skip


def test_the_manifest_is_signed_by_the_key_of_the_certificate(occasion, admissions, signer, rsa_key):
    """INVARIANT: a changed pass is not accepted."""
    files = opened(apple_pass(occasion, admissions[0], signer, language_code="en"))
    verify_detached(files["signature"], files["manifest.json"], rsa_key.public_key())
    with pytest.raises(AssertionError):
        verify_detached(files["signature"], files["manifest.json"] + b" ", rsa_key.public_key())


def test_the_pass_says_what_the_ticket_says(occasion, admissions, signer):
    files = opened(apple_pass(occasion, admissions[0], signer, language_code="fr"))
    said = json.loads(files["pass.json"])
    assert (said["passTypeIdentifier"], said["teamIdentifier"], said["organizationName"]) == (
        "pass.example.usher", "TEAM123456", "Usher GmbH",
    )  # fmt: skip
    assert (said["formatVersion"], said["serialNumber"]) == (1, admissions[0].id)
    assert said["barcodes"] == [
        {"format": "PKBarcodeFormatQR", "message": admissions[0].code, "messageEncoding": "iso-8859-1"}
    ]
    assert said["relevantDate"] == "2027-03-06T18:30:00+00:00"
    assert said["locations"] == [{"latitude": 48.8786, "longitude": 2.2831}]
    fields = {each["key"]: each for group in said["eventTicket"].values() for each in group}
    assert fields["event"]["value"] == occasion.title
    assert "samedi 6 mars 2027" in fields["when"]["value"]
    assert (fields["seat"]["label"], fields["seat"]["value"]) == ("Place", "Row 1")
    assert fields["where"]["value"] == occasion.place
    assert {"attendee", "booking", "type"} <= set(fields)


def test_what_is_not_known_leaves_no_empty_field(occasion, admissions):
    from dataclasses import replace

    bare = replace(occasion, venue="", address="", location=None)
    content = pass_content(
        bare,
        replace(admissions[0], attendee="", seat=""),
        pass_type="p",
        team="t",
        organization="o",
        language_code="en",
    )
    fields = [each for group in content["eventTicket"].values() for each in group]
    assert all(each["value"] for each in fields)
    assert len({each["key"] for each in fields}) == len(fields)
    assert "locations" not in content


def test_a_key_that_is_not_the_certificates_is_refused(certificate_pem, rsa_pem):
    other = rsa.generate_private_key(65537, 2048)
    foreign = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    for certificates, key in ((certificate_pem, foreign), (certificate_pem, "x"), ("x", rsa_pem), ("", "")):
        with pytest.raises(ValueError):
            AppleSigner.from_pem(certificates, key)


def test_a_signer_never_shows_its_key(signer):
    assert "PRIVATE" not in repr(signer)
    assert "RSAPrivateKey" not in repr(signer)
