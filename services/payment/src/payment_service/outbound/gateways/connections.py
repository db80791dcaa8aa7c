"""Kept connections to a gateway, under all SDKs: a call costs a tenth of what it costs over httpx or requests."""

import base64
import json as text_of
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
# An answer that is larger is none: as many calls as a gateway's bulkhead lets through may hold one at a time. A page of
# a report has some 200 KB; only files are larger, one of which is read at a time.
LARGEST_BYTES, LARGEST_FILE_BYTES = 4 << 20, 64 << 20
FILES = ("/v3/billdownload/",)  # addresses under which a gateway keeps files
AS_IT_IS = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")  # what stands in an address (RFC 3986)
Pairs = Mapping[str, Any] | Sequence[tuple[str, Any]]


class NoAnswer(Exception):
    """Nobody knows whether the far side has acted."""


class TooLarge(NoAnswer):
    """It has answered with more than anybody reads."""


@dataclass(frozen=True)
class Answer:
    """As SDKs know answers from httpx and requests."""

    status_code: int
    content: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""

    @property
    def ok(self) -> bool:
        """Whether it is a yes."""
        return 200 <= self.status_code < 300

    @cached_property
    def text(self) -> str:
        """Gateways write UTF-8."""
        return self.content.decode("utf-8", "replace")

    @cached_property
    def _read(self) -> Any:
        return text_of.loads(self.text)

    def json(self) -> Any:
        """JSONDecodeError."""
        return self._read


class Verbs:
    """What SDKs call instead of `request`, with the arguments of that."""

    request: Any

    def get(self, url: str, **options: Any) -> Any:
        """GET."""
        return self.request("GET", url, **options)

    def post(self, url: str, **options: Any) -> Any:
        """POST."""
        return self.request("POST", url, **options)

    def put(self, url: str, **options: Any) -> Any:
        """PUT."""
        return self.request("PUT", url, **options)

    def patch(self, url: str, **options: Any) -> Any:
        """PATCH."""
        return self.request("PATCH", url, **options)

    def delete(self, url: str, **options: Any) -> Any:
        """DELETE."""
        return self.request("DELETE", url, **options)


class Connections(Verbs):
    """One pool of a gateway; nothing is repeated, no cookie kept, no redirect followed. Made where a loop runs.

    timeout: seconds for connecting and for each read. Proxies are those of the environment, certificates those of the
    machine. Its methods have the names and arguments that SDKs use.
    """

    def __init__(self, timeout: float) -> None:
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=None, connect=timeout, sock_read=timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        self._session._retry_connection = False  # noqa: SLF001 - aiohttp would repeat GET, PUT and DELETE by itself
        self._proxies = getproxies()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """All of them."""
        await self._session.close()

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, Any] | None = None,
        params: Pairs | None = None,
        content: str | bytes | None = None,
        data: str | bytes | Pairs | None = None,
        json: Any = None,
        auth: tuple[str, str] | None = None,
        **ours: Any,
    ) -> Answer:
        """Whatever was answered; NoAnswer, TooLarge. ours: time limits and the like of an SDK, counting for nothing."""
        if ours.get("files"):
            raise TypeError("files are not sent")
        sent = {name: _text(value) for name, value in _given(headers or {})}
        if auth is not None:
            sent["Authorization"] = "Basic " + base64.b64encode(":".join(auth).encode()).decode()
        body, kind = _written(content if content is not None else data, json)
        if kind and "content-type" not in {name.lower() for name in sent}:
            sent["Content-Type"] = kind
        if params:
            url += ("&" if "?" in url else "?") + urlencode(_given(params), doseq=True)
        proxy = self._proxy(url) if self._proxies else None
        address = URL(url, encoded=AS_IT_IS.fullmatch(url) is not None)
        try:
            async with self._session.request(
                method.upper(), address, headers=sent, data=body, proxy=proxy, allow_redirects=False
            ) as answer:
                most = LARGEST_FILE_BYTES if any(each in address.path for each in FILES) else LARGEST_BYTES
                return Answer(answer.status, await _read(answer, most), answer.headers, answer.reason or "")
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise NoAnswer(type(error).__name__) from None

    def _proxy(self, url: str) -> str | None:
        there = urlsplit(url)
        return None if proxy_bypass(there.hostname or "") else self._proxies.get(there.scheme)


async def _read(answer: aiohttp.ClientResponse, most: int) -> bytes:
    """All of it; TooLarge. The rest is not waited for: who leaves the request closes its connection."""
    if (answer.content_length or 0) > most:
        raise TooLarge(f"above {most} bytes")
    parts, size = list[bytes](), 0
    async for part in answer.content.iter_any():
        size += len(part)
        if size > most:
            raise TooLarge(f"above {most} bytes")
        parts.append(part)
    return b"".join(parts)


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _given(pairs: Pairs) -> list[tuple[str, Any]]:
    """What is None is left out."""
    named = pairs.items() if isinstance(pairs, Mapping) else pairs
    return [(name, value) for name, value in named if value is not None]


def _written(data: str | bytes | Pairs | None, json: Any) -> tuple[bytes | None, str]:
    """The body, and its kind where nobody says another."""
    if json is not None:
        return text_of.dumps(json).encode(), JSON
    if data is None or isinstance(data, bytes):
        return data or None, ""
    if isinstance(data, str):
        return data.encode() or None, ""
    return urlencode(_given(data), doseq=True).encode() or None, FORM
