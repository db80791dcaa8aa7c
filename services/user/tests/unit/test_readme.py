"""The README shows what the code does."""

from pathlib import Path

from user_service.domain.sessions import SESSION_TABLE
from user_service.domain.users import USER_TABLE
from user_service.outbound.domain_events import MESSAGES
from user_service.settings import Settings

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")


def diagram(*tables):
    lines = ["stateDiagram-v2"]
    for table in tables:
        lines.append(f"    state {table.thing} {{")
        lines += [f"        {a.name} --> {b.name}: {action.name}" for (a, action), b in table.transitions.items()]
        lines.append("    }")
    return "\n".join(lines)


def test_the_state_diagram_is_printed_from_the_tables():
    assert diagram(USER_TABLE, SESSION_TABLE) in README


def test_every_domain_event_is_named():
    assert [fact.__name__ for fact in MESSAGES if fact.__name__ not in README] == []


def test_every_own_setting_is_named():
    own = [name for name in Settings.__annotations__ if name != "service"]
    stems = [name.upper().removeprefix("ARGON2") for name in own]
    assert [stem for stem in stems if stem not in README] == []
