"""What became of letters is noted together, and one that is long on its way holds up no other."""

import asyncio

import pytest

from domain_kit.clock import utc_now
from domain_kit.repository import Cause, Decide
from notification_service.domain.letter import Letter
from notification_service.domain.notification import Notification, State, queued
from notification_service.handlers import deliver_letters as handler
from notification_service.handlers.deliver_letters import ENOUGH, Patience, deliver_letters


class Kept:
    """So many letters that wait, and how many were noted in each turn of the loop."""

    def __init__(self, count: int) -> None:
        letter = Letter("email_verification", "en", (("name", "Ada"), ("token", "t")))
        made = [queued("users/u", "a@example.org", f"c{n}", "r", letter, utc_now(), ("", ""))[0] for n in range(count)]
        self.letters = {each.name: each for each in made}
        self.together: list[int] = []
        self._counting = False

    async def waiting(self, limit: int) -> list[Notification]:
        return list(self.letters.values())[:limit]

    async def update(self, name: str, decide: Decide[Notification], *, cause: Cause) -> Notification:
        if not self._counting:
            self._counting = True
            self.together.append(0)
            asyncio.get_running_loop().call_later(0.01, self._done)
        self.together[-1] += 1
        self.letters[name], _ = decide(self.letters[name])
        return self.letters[name]

    def states(self) -> list[State]:
        return [each.state for each in self.letters.values()]

    def _done(self) -> None:
        self._counting = False


class Slow:
    """The first letter is on its way until it may go on."""

    def __init__(self) -> None:
        self.sent, self.go_on = 0, asyncio.Event()

    async def send(self, _letter: Notification) -> None:
        self.sent += 1
        if self.sent == 1:
            await asyncio.wait_for(self.go_on.wait(), 10)


def deliver(kept: Kept, post: Slow) -> asyncio.Task[int]:
    return asyncio.create_task(deliver_letters(kept, post, Patience(), utc_now))  # type: ignore[arg-type]  # what it asks for, no more


async def until(kept: Kept, delivered: int) -> None:
    async with asyncio.timeout(8):
        while kept.states().count(State.DELIVERED) != delivered:
            await asyncio.sleep(0.01)


async def test_enough_letters_are_noted_together_without_the_one_that_is_long_on_its_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(handler, "NOTED_WITHIN", 60.0)
    kept, post = Kept(ENOUGH + 1), Slow()
    delivering = deliver(kept, post)
    await until(kept, ENOUGH)
    assert kept.together == [ENOUGH]
    post.go_on.set()
    assert await delivering == ENOUGH + 1


async def test_fewer_are_noted_after_a_moment_without_it() -> None:
    kept, post = Kept(3), Slow()
    delivering = deliver(kept, post)
    await until(kept, 2)
    assert not delivering.done()
    assert kept.together == [2]
    post.go_on.set()
    assert await delivering == 3
