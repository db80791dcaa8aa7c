"""A development container starts its command again when sources change, and ends as it is told."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

RELOAD = Path(__file__).parents[1] / "reload.py"
PROGRAM = "import pathlib, time; pathlib.Path({!r}).write_text({!r}); time.sleep(600)"


@pytest.fixture
def folders(tmp_path):
    image, copy, said = tmp_path / "image", tmp_path / "copy", tmp_path / "said"
    image.mkdir()
    (image / "serve.py").write_text(PROGRAM.format(str(said), "first"))
    return image, copy, said


@pytest.fixture
def running(folders):
    image, copy, _ = folders
    environment = os.environ | {"USHER_OWN": str(image), "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen([sys.executable, str(RELOAD), sys.executable, "-m", "serve"], env=environment)
    yield process
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def until_it_says(said: Path, word: str) -> None:
    give_up = time.monotonic() + 60
    while not said.exists() or said.read_text() != word:
        assert time.monotonic() < give_up, word
        time.sleep(0.05)


def test_a_changed_file_starts_the_command_again_and_the_image_stays_as_it_was(folders, running):
    image, copy, said = folders
    until_it_says(said, "first")
    (copy / "serve.py").write_text(PROGRAM.format(str(said), "second"))
    until_it_says(said, "second")
    assert "first" in (image / "serve.py").read_text()


def test_a_command_that_failed_is_tried_again_after_the_next_change(folders, running):
    _, copy, said = folders
    until_it_says(said, "first")
    (copy / "serve.py").write_text(
        f"import pathlib; pathlib.Path({str(said)!r}).write_text('broken'); raise SystemExit(1)"
    )
    until_it_says(said, "broken")
    (copy / "serve.py").write_text(PROGRAM.format(str(said), "mended"))
    until_it_says(said, "mended")


def test_it_ends_with_its_command_when_told(folders, running):
    until_it_says(folders[2], "first")
    running.send_signal(signal.SIGTERM)
    assert running.wait(20) != 0
