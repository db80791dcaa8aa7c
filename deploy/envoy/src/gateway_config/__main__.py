"""`python -m gateway_config FOLDER [CONFIGURATION]` writes what a gateway in a container reads.

Contracts and the pages it serves; and, from the folder CONFIGURATION, `envoy.yaml` with every `*.part.yaml` laid over
it and the placeholders filled from the environment. That of services is known too: where they send traces, and whether
they ask for certificates (`upstream-tls.yaml`).
"""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from gateway_config import assemble_site, descriptor_image, with_traces
from gateway_config.compose import composed, with_upstream_tls


def assemble(folder: Path) -> None:
    """Write `descriptors.binpb` and `site/` into `folder`."""
    assemble_site(folder / "site")
    shutil.copyfile(descriptor_image(), folder / "descriptors.binpb")


def configure(folder: Path, configuration: Path, values: Mapping[str, str]) -> None:
    """Write `envoy.yaml` into `folder`, for what `assemble` has written there. PlaceholderMismatch."""
    files = {path.name: path.read_text() for path in configuration.glob("*.yaml")}
    (folder / "envoy.yaml").write_text(configured(files, folder, values))


def configured(files: Mapping[str, str], folder: Path, values: Mapping[str, str]) -> str:
    """What Envoy reads, of files by their names and an environment: as services speak, so does the gateway to them."""
    own = {"SITE_FOLDER": str(folder / "site"), "DESCRIPTORS": str(folder / "descriptors.binpb")}
    parts = [text for name, text in sorted(files.items()) if name.endswith(".part.yaml")]
    text = composed(files["envoy.yaml"], parts, {**values, **own})
    if values.get("USHER_TLS_CERT_FILE"):
        text = with_upstream_tls(text, files["upstream-tls.yaml"])
    if endpoint := values.get("USHER_OTLP_ENDPOINT"):
        text = with_traces(text, endpoint, float(values["USHER_TRACE_RATIO"]))
    return text


if __name__ == "__main__":
    assemble(Path(sys.argv[1]))
    if len(sys.argv) > 2:
        configure(Path(sys.argv[1]), Path(sys.argv[2]), os.environ)
