"""What a test can make the far end do wrong."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(slots=True)
class Switches:
    """All off at the start, and again after a restart.

    delay_seconds: every answer waits so long after the act. drop_answers: so many coming POSTs are acted on and then
    get a closed connection. fail_requests: so many coming POSTs get a 500 without an act. drop_nth: the n-th coming
    request, whatever its method, is acted on and gets a closed connection; then it is off. down: nothing is done, every
    connection is closed, and no webhook is sent. duplicate_webhooks: each is sent twice. reorder_webhooks: they are
    gathered for a moment and sent last first. hold_webhooks: none is sent.
    """

    delay_seconds: float = 0.0
    drop_answers: int = 0
    fail_requests: int = 0
    drop_nth: int = 0
    down: bool = False
    duplicate_webhooks: bool = False
    reorder_webhooks: bool = False
    hold_webhooks: bool = False

    def change(self, wanted: Mapping[str, Any]) -> None:
        """Set those named; ValueError for an unknown name or a value of another type, nothing being changed then."""
        kinds = {field.name: type(getattr(self, field.name)) for field in fields(self)}
        for name, value in wanted.items():
            kind = kinds.get(name)
            fits = type(value) is kind or (kind is float and type(value) is int)
            if not fits or value < 0:
                raise ValueError(f"{name}: not a switch, or {value!r} is not a value for it")
        for name, value in wanted.items():
            setattr(self, name, kinds[name](value))  # a whole number of seconds stays a float: 2 and then 2.5

    async def wait(self) -> None:
        """As long as an answer is to be delayed."""
        if self.delay_seconds:
            await asyncio.sleep(self.delay_seconds)

    def shown(self) -> dict[str, Any]:
        """Name → value."""
        return asdict(self)

    def take(self, name: str) -> bool:
        """Use up one of a counted switch; False when none is left."""
        left = getattr(self, name)
        if left:
            setattr(self, name, left - 1)
        return bool(left)

    def count_down(self, name: str) -> bool:
        """One less of a counted switch; whether that was the last."""
        return self.take(name) and not getattr(self, name)
