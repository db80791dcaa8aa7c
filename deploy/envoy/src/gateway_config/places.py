"""Where the gateway's sources stand in the checkout and in the installed packages."""

from importlib.resources import files
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
# A wheel carries these files inside the package, the checkout has them beside it.
_FOLDER = _PACKAGE if (_PACKAGE / "envoy.yaml").exists() else _PACKAGE.parents[1]
TEMPLATE = _FOLDER / "envoy.yaml"
TRACING = _FOLDER / "tracing.yaml"
OPENAPI_DOCUMENT = _FOLDER / "openapi.json"


def descriptor_image() -> Path:
    """The descriptors of all contracts, which the transcoder reads (placeholder `DESCRIPTORS`)."""
    return Path(str(files("usher").joinpath("descriptors.binpb")))
