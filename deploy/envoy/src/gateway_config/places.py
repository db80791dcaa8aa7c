"""Where the gateway's sources stand in the checkout and in the installed packages."""

from importlib.resources import files
from pathlib import Path

_FOLDER = Path(__file__).resolve().parents[2]
TEMPLATE = _FOLDER / "envoy.yaml"
OPENAPI_DOCUMENT = _FOLDER / "openapi.json"


def descriptor_image() -> Path:
    """The descriptors of all contracts, which the transcoder reads (placeholder `DESCRIPTORS`)."""
    return Path(str(files("usher").joinpath("descriptors.binpb")))
