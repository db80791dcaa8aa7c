"""The README shows the state table as it is."""

from pathlib import Path

from payment_service.domain.states import LIFE


def test_the_diagram_is_the_table() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    assert LIFE.diagram() in readme
