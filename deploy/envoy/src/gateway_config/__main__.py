"""`python -m gateway_config FOLDER` writes what a gateway in a container reads: contracts and the pages it serves."""

import shutil
import sys
from pathlib import Path

from gateway_config import assemble_site, descriptor_image


def assemble(folder: Path) -> None:
    """Write `descriptors.binpb` and `site/` into `folder`."""
    assemble_site(folder / "site")
    shutil.copyfile(descriptor_image(), folder / "descriptors.binpb")


if __name__ == "__main__":
    assemble(Path(sys.argv[1]))
