from pathlib import Path

from booking_service.domain.states import diagram


def test_the_diagram_in_the_readme_is_the_table():
    assert diagram() in (Path(__file__).parents[3] / "README.md").read_text("utf-8")
