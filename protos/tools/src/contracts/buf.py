"""Runs `buf lint` and `buf breaking` on descriptor images, so that buf never has to fetch a module."""

import subprocess
import sysconfig
import tempfile
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorSet

from contracts.compiler import compile_image
from contracts.places import Places


def lint(places: Places) -> int:
    """Check names and comments by buf's rules (protos/buf.yaml)."""
    return _buf_on(_image(places), "lint", "--config", str(places.buf_config))


def breaking(places: Places) -> int:
    """Fail on a change that breaks clients of the last landed contracts (protos/baseline.binpb)."""
    baseline = ["--against", str(places.baseline)]
    return _buf_on(_image(places), "breaking", *baseline, "--config", str(places.buf_config))


def accept(places: Places) -> int:
    """Make the present contracts the baseline; run it once they have landed."""
    image = compile_image(places.protos, places.contract_files(), source_info=False)
    places.baseline.write_bytes(image.SerializeToString(deterministic=True))
    return 0


def _image(places: Places) -> FileDescriptorSet:
    return compile_image(places.protos, places.contract_files(), source_info=True)


def _buf_on(image: FileDescriptorSet, command: str, *arguments: str) -> int:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.binpb"
        path.write_bytes(image.SerializeToString())
        program = str(Path(sysconfig.get_path("scripts")) / "buf")
        return subprocess.run([program, command, str(path), *arguments], cwd=folder, check=False).returncode
