"""Tickets as documents through the gateway: plain HTTP bodies with their own content types."""

import io

import httpx
import pypdf


def test_a_buyer_downloads_tickets_and_calendar_entry_and_a_scanner_the_keys(stack, world) -> None:
    booking, buyer = world.resources["events/*/bookings/*"], world.journey.buyer_token
    headers = {"authorization": f"Bearer {buyer}", "accept-language": "fr, en;q=0.5"}
    with httpx.Client(base_url=stack.url(), headers=headers) as client:
        tickets = client.get(f"/v1/{booking}:tickets?ticketsPerPage=4")
        assert (tickets.status_code, tickets.headers["content-type"]) == (200, "application/pdf")
        text = pypdf.PdfReader(io.BytesIO(tickets.content)).pages[0].extract_text()
        assert "Numéro de réservation" in text
        assert booking.rpartition("/")[2].upper() in text
        calendar = client.get(f"/v1/{booking}:calendar")
        assert calendar.headers["content-type"] == "text/calendar; charset=utf-8; method=PUBLISH"
        assert calendar.text.startswith("BEGIN:VCALENDAR\r\n")
        wallet = client.get(f"/v1/{world.resources['events/*/bookings/*/tickets/*']}:walletPass?format=FORMAT_GOOGLE")
        assert wallet.json()["details"][0]["reason"] == "WALLET_NOT_CONFIGURED"
        assert client.get(f"/v1/{booking}:tickets?ticketsPerPage=3").status_code == 400
    keys = httpx.get(f"{stack.url()}/v1/ticketKeys").json()["keys"]
    assert {(key["kty"], key["crv"], key["alg"]) for key in keys} == {("OKP", "Ed25519", "EdDSA")}
