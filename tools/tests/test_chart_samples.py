"""The chart brings the events that the command line knows."""

from chart_samples import COUNT, PLACE, lines


def test_the_charts_sample_events_are_those_of_the_command_line():
    assert PLACE.read_text() == lines(), "python tools/chart_samples.py --write"
    assert len(PLACE.read_text().splitlines()) == COUNT
