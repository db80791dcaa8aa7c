"""The payment gateways' sandbox, as a process or beside the test, and a real store."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from gateway_sandbox.providers import HERE, credentials
from gateway_sandbox.server import serving
from testkit.engines import mongo_engine


class Sandbox:
    """The gateways' far ends. folder: where it keeps its books and our credentials."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder

    async def post(self, path: str, **body: object) -> dict[str, Any]:
        async with httpx.AsyncClient() as client:
            answer = await client.post(f"{self.url}/_sandbox/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def get(self, path: str) -> dict[str, Any]:
        async with httpx.AsyncClient() as client:
            return (await client.get(f"{self.url}/_sandbox/{path}")).json()

    async def captures(self, reference: str = "") -> int:
        charges = (await self.get(f"charges?payment_intent={reference}"))["charges"]
        return sum(charge["captured"] for charge in charges)

    async def authenticate(self, reference: str, passes: bool) -> None:
        await self.post(f"payment_intents/{reference}/authenticate", passes=passes)

    async def lose_answers(self, count: int) -> None:
        await self.post("switches", drop_answers=count)


@contextmanager
def running_sandbox(folder: Path, webhook_url: str = "") -> Iterator[Sandbox]:
    command = [sys.executable, "-P", "-m", "gateway_sandbox", "--port", "0", "--data", str(folder)]
    command += ["--webhook-url", webhook_url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Sandbox(process.stdout.readline().split()[-1], folder)
        finally:
            process.terminate()
            process.wait(10)


@contextmanager
def sandbox_beside(given: Mapping[str, Mapping[str, str]], folder: Path, webhook_url: str = "") -> Iterator[Sandbox]:
    """One in a thread with a loop of its own: a process takes a second of the processor before it serves.

    given: credentials of a merchant there is already.
    """
    up: Future[tuple[str, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        try:
            async with serving(folder, webhook_url=webhook_url, given=given) as url:
                stop = asyncio.Event()
                up.set_result((url, asyncio.get_running_loop(), stop))
                await stop.wait()
        except BaseException as error:
            if not up.done():
                up.set_exception(error)
            raise

    with ThreadPoolExecutor(1, "sandbox") as threads:
        served = threads.submit(asyncio.run, serve())
        url, loop, stop = up.result(20)
        try:
            yield Sandbox(url, folder)
        finally:
            loop.call_soon_threadsafe(stop.set)
            served.result(20)


@pytest.fixture(scope="session")
def merchant(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Mapping[str, str]]:
    """Provider → credentials at both ends, made once: the keys of RSA among them take long."""
    return credentials(tmp_path_factory.mktemp("merchant"), HERE)


@pytest.fixture
def start_sandbox(merchant: Mapping[str, Mapping[str, str]]) -> Callable[..., Any]:
    """`start_sandbox(folder, webhook_url)`: a sandbox whose books are empty."""
    return partial(sandbox_beside, merchant)


@pytest.fixture(scope="session")
def mongodb() -> Iterator[str]:
    with mongo_engine() as uri:
        yield uri


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One for all tests that need no webhooks; a process, as in a stack."""
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


Waiting = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]


@pytest.fixture
def until() -> Waiting:
    """Waits until a condition holds, looking often; fails after ten seconds."""

    async def wait(holds: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(10):
            while not await holds():
                await asyncio.sleep(0.02)

    return wait


def forged(text: bytes, chance: Random) -> bytes:
    """One character is another, missing, added or doubled, two have changed places, or the end is cut off."""
    at = chance.randrange(len(text)) if text else 0
    other = bytes([chance.choice([byte for byte in range(33, 127) if byte not in text[at : at + 1]])])
    before, here, after = text[:at], text[at : at + 1], text[at + 1 :]
    swapped = before + after[:1] + here + after[1:]
    changed = chance.choice(
        [before + other + after, before + after, before + other + here + after, before + here + text[at:], swapped,
         text[: max(len(text) - chance.randrange(1, 9), 0)]]
    )  # fmt: skip
    return changed if changed != text else text + other


@pytest.fixture
def forge() -> Callable[[bytes, Random], bytes]:
    """What a forger does to a text that is signed; never the same text."""
    return forged
