"""Shows how far each process is: a line with a spinner on a terminal, plain lines anywhere else."""

import contextlib
from collections.abc import Iterator

from rich.markup import escape
from rich.progress import Progress as Bars
from rich.progress import SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from local_stack.lifecycle import Phase, Progress, silent
from usher_cli.output import out

STYLES: dict[Phase, str] = {
    "running": "green",
    "starting": "yellow",
    "waiting": "yellow",
    "ready": "bold green",
    "failed": "bold red",
    "stopping": "yellow",
    "stopped": "dim",
}
ENDINGS = {"running", "ready", "failed", "stopped"}


@contextlib.contextmanager
def shown(*, quiet: bool = False) -> Iterator[Progress]:
    """A Progress that shows what it is told; `quiet` shows nothing (for --json)."""
    console = out()
    if quiet:
        yield silent
        return
    if not console.is_terminal:
        yield _plainly
        return
    with Bars(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console) as bars:
        tasks: dict[str, TaskID] = {}

        def show(name: str, phase: Phase, detail: str) -> None:
            text = f"{name:14}[{STYLES[phase]}]{phase:9}[/] [dim]{escape(detail)}[/]"
            if name not in tasks:
                tasks[name] = bars.add_task(text, total=1)
            bars.update(tasks[name], description=text, completed=int(phase in ENDINGS))

        yield show


def _plainly(name: str, phase: Phase, detail: str) -> None:
    if phase in ENDINGS:
        out().print(f"{name:14} {phase:9} {detail}", markup=False)
