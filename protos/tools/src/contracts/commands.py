"""The command line of the contracts."""

import argparse
import sys
from collections.abc import Sequence

from contracts import committed
from contracts.buf import accept, breaking, lint
from contracts.compiler import CompilationFailed, compile_image
from contracts.places import Places
from contracts.stubs import make_stubs

_OWNED = "usher/**/*"


def generate(places: Places) -> int:
    """Write stubs, descriptor image and OpenAPI document."""
    for path in committed.write(places.stubs, make_stubs(places), owned=_OWNED):
        sys.stdout.write(f"wrote {path}\n")
    for path in committed.write(places.openapi.parent, _documents(places), owned=places.openapi.name):
        sys.stdout.write(f"wrote {path}\n")
    return 0


def check(places: Places) -> int:
    """Fail when a committed file differs from a fresh generation."""
    stale = committed.differing(places.stubs, make_stubs(places), owned=_OWNED)
    # The document is made with the help of the stubs, so it says nothing while they are stale.
    stale = stale or committed.differing(places.openapi.parent, _documents(places), owned=places.openapi.name)
    for path in stale:
        sys.stderr.write(f"differs from a fresh generation: {path}\n")
    return 1 if stale else 0


def _documents(places: Places) -> dict[str, bytes]:
    from contracts.openapi import make_document  # imports the stubs, which `generate` may have written just now

    image = compile_image(places.protos, places.contract_files(), source_info=True)
    return {places.openapi.name: make_document(image)}


COMMANDS = {command.__name__: command for command in (generate, check, lint, breaking, accept)}


def main(arguments: Sequence[str]) -> int:
    """Run one command on the checkout this package is installed from; the exit status."""
    parser = argparse.ArgumentParser(prog="contracts", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, command in COMMANDS.items():
        commands.add_parser(name, help=command.__doc__)
    chosen = parser.parse_args(arguments).command
    try:
        return COMMANDS[chosen](Places.of_checkout())
    except CompilationFailed as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
