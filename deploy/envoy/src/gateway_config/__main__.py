"""`python -m gateway_config FOLDER [CONFIGURATION]` writes what a gateway in a container reads.

Contracts and the pages it serves; and, from the folder CONFIGURATION, `envoy.yaml` with every `*.part.yaml` laid over
it and the placeholders filled from the environment.
"""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from gateway_config import assemble_site, descriptor_image
from gateway_config.compose import composed


def assemble(folder: Path) -> None:
    """Write `descriptors.binpb` and `site/` into `folder`."""
    assemble_site(folder / "site")
    shutil.copyfile(descriptor_image(), folder / "descriptors.binpb")


def configure(folder: Path, configuration: Path, values: Mapping[str, str]) -> None:
    """Write `envoy.yaml` into `folder`, for what `assemble` has written there. PlaceholderMismatch."""
    own = {"SITE_FOLDER": str(folder / "site"), "DESCRIPTORS": str(folder / "descriptors.binpb")}
    parts = [path.read_text() for path in sorted(configuration.glob("*.part.yaml"))]
    text = composed((configuration / "envoy.yaml").read_text(), parts, {**values, **own})
    (folder / "envoy.yaml").write_text(text)


if __name__ == "__main__":
    assemble(Path(sys.argv[1]))
    if len(sys.argv) > 2:
        configure(Path(sys.argv[1]), Path(sys.argv[2]), os.environ)
