"""Runs protoc, with every import taken from installed packages instead of copied .proto files."""

import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from protobuf import DescFile
from protovalidate._gen.buf.validate import validate_pb  # the installed module carries the descriptor, no .proto

VALIDATE = "buf/validate/validate.proto"
# Types that error replies carry inside google.protobuf.Any, so no contract imports them; the gateway needs them to
# write such replies as JSON.
ERROR_TYPES = ("google/rpc/error_details.proto", "google/rpc/status.proto")


class CompilationFailed(Exception):
    """protoc refused the contracts; the text is what it said."""


def compile_image(protos: Path, contracts: Sequence[str], *, source_info: bool) -> FileDescriptorSet:
    """The contracts, all they import and the error detail types, each file after its imports.

    `source_info` keeps comments and line numbers (for lint and documentation). Raises `CompilationFailed`.
    """
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "image.binpb"
        flags = ["--include_imports", f"--descriptor_set_out={target}"]
        if source_info:
            flags.append("--include_source_info")
        run_protoc(protos, flags, [*contracts, *ERROR_TYPES])
        return FileDescriptorSet.FromString(target.read_bytes())


def run_protoc(protos: Path, flags: Sequence[str], targets: Sequence[str]) -> None:
    """Run protoc on `targets`, paths below one of the import roots. Raises `CompilationFailed`."""
    with _validate_image() as validate_image:
        roots = [f"-I{root}" for root in _import_roots(protos)]
        protoc = [sys.executable, "-m", "grpc_tools.protoc"]
        command = [*protoc, *roots, f"--descriptor_set_in={validate_image}", *flags, *targets]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise CompilationFailed(run.stderr.strip())


def plugin(name: str) -> str:
    """The protoc flag for a plugin whose script stands beside the running interpreter."""
    return f"--plugin={name}={Path(sysconfig.get_path('scripts')) / name}"


def _import_roots(protos: Path) -> Iterator[Path]:
    yield protos
    yield Path(str(files("google.rpc").joinpath("status.proto"))).parents[2]
    yield Path(str(files("grpc_tools"))) / "_proto"


@contextmanager
def _validate_image() -> Iterator[Path]:
    """A file with the descriptors of buf/validate and what it imports, while the block runs."""
    image = FileDescriptorSet()
    for descriptor in _with_imports(validate_pb._DESC):  # noqa: SLF001 (the only place the package keeps it)
        image.file.add().MergeFromString(descriptor.proto.to_binary())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "validate.binpb"
        path.write_bytes(image.SerializeToString(deterministic=True))
        yield path


def _with_imports(descriptor: DescFile, seen: set[str] | None = None) -> Iterator[DescFile]:
    """The file after everything it imports, each once."""
    seen = set() if seen is None else seen
    if descriptor.name not in seen:
        seen.add(descriptor.name)
        for dependency in descriptor.dependencies:
            yield from _with_imports(dependency, seen)
        yield descriptor
