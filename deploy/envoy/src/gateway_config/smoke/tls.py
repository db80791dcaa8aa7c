"""The certificate, and what happens to who comes without TLS."""

import http.client
import socket
import ssl
import time
from dataclasses import replace
from urllib.parse import urlsplit

from gateway_config.smoke.visit import CALL_SECONDS, Skipped, Visit, Wrong

LEAST_DAYS = 7  # cert-manager renews a third of the time before the end
DAY = 86_400


def certificate_is_valid(visit: Visit) -> None:
    """The certificate is for this name, believed, and valid for another week"""
    for each in _secured(visit):
        host, port = each.place
        try:
            with (
                socket.create_connection((host, port), CALL_SECONDS) as plain,
                each.trust().wrap_socket(plain, server_hostname=each.name or host) as secured,
            ):
                shown = secured.getpeercert() or {}
        except ssl.SSLError as error:
            raise Wrong(f"{each.url}: {error.args[-1] if error.args else error}") from None
        days = (ssl.cert_time_to_seconds(str(shown["notAfter"])) - time.time()) / DAY
        if days < LEAST_DAYS:
            raise Wrong(f"{each.url}: valid for only {days:.1f} more days; is it renewed?")


def plain_http_is_refused(visit: Visit) -> None:
    """Plain HTTP gets no answer but the way to HTTPS"""
    for each in _secured(visit):
        host, port = each.place
        for plain_port in {80, port} if each.outside else {port}:
            if problem := _plain(host, plain_port, each.name or host):
                raise Wrong(problem)


def _secured(visit: Visit) -> list[Visit]:
    """Where TLS is to be spoken: here, and where the world comes in."""
    found = [replace(visit, outside="")] if visit.secure else []
    if visit.outside.startswith("https://"):
        found.append(replace(visit, url=visit.outside, name="", certificate=""))
    if not found:
        raise Skipped("no TLS here")
    return found


def _plain(host: str, port: int, name: str) -> str:
    connection = http.client.HTTPConnection(host, port, timeout=CALL_SECONDS)
    try:
        connection.request("GET", "/v1/events:search", headers={"host": name})
        answer = connection.getresponse()
    except (OSError, http.client.HTTPException):
        return ""
    finally:
        connection.close()
    there = urlsplit(answer.getheader("location", ""))
    if answer.status in (301, 307, 308) and there.scheme == "https":
        return ""
    if answer.status == 400:  # Envoy and others say so where HTTP comes in on a port for TLS
        return ""
    return f"http://{host}:{port} answers {answer.status} without TLS"
