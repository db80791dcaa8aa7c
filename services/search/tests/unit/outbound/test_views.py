"""Views are shared, bounded and replaced."""

import asyncio

from search_service.outbound.views import Views


class Server:
    """Counts the views it has to keep."""

    def __init__(self) -> None:
        self.opened = 0
        self.open: set[str] = set()

    async def open_point_in_time(self, keep_alive: str = "1m") -> str:
        await asyncio.sleep(0)
        self.opened += 1
        self.open.add(f"view {self.opened}")
        return f"view {self.opened}"

    async def close_point_in_time(self, pit: str) -> None:
        self.open.discard(pit)


async def test_searches_of_a_moment_share_a_view() -> None:
    server = Server()
    views = Views(server, most=3, fresh_seconds=60)
    assert set(await asyncio.gather(*(views.current() for _ in range(9)))) == {"view 1"}
    assert server.opened == 1


async def test_an_old_view_is_replaced_and_only_the_latest_stay_open() -> None:
    server = Server()
    views = Views(server, most=3, fresh_seconds=0)
    assert [await views.current() for _ in range(5)] == [f"view {n}" for n in range(1, 6)]
    assert server.open == {"view 3", "view 4", "view 5"}
    await views.close()
    assert server.open == set()


async def test_a_view_the_server_forgot_is_not_used_again() -> None:
    server = Server()
    views = Views(server, most=3, fresh_seconds=60)
    views.forget(await views.current())
    assert await views.current() == "view 2"
