"""Generates the Python package `usher`: messages, asynchronous gRPC stubs, their types and the descriptor image."""

import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from contracts.compiler import VALIDATE, compile_image, plugin, run_protoc
from contracts.lean_image import without_options
from contracts.places import Places

DESCRIPTOR_IMAGE = "usher/descriptors.binpb"
_ROOT_DOCSTRING = '"""Generated stubs of the Usher contracts."""\n'
# buf.validate goes below our own package: a top-level package `buf` would be shared with whoever else installs one.
_VALIDATE_IMPORT = re.compile(r"^from buf\.validate import ", re.MULTILINE)
_VALIDATE_MOVED = "from usher.buf.validate import "


def make_stubs(places: Places) -> Mapping[str, bytes]:
    """Every file of the generated package, keyed by its path below `places.stubs`. Raises `CompilationFailed`."""
    contracts = places.contract_files()
    image = compile_image(places.protos, contracts, source_info=False)
    generated = dict(_run_generators(places, contracts))
    generated[DESCRIPTOR_IMAGE] = without_options(image).SerializeToString(deterministic=True)
    packages = {parent.as_posix() for path in generated for parent in PurePosixPath(path).parents} - {"."}
    generated |= {f"{package}/__init__.py": b"" for package in packages}
    generated["usher/__init__.py"] = _ROOT_DOCSTRING.encode()
    generated["usher/py.typed"] = b""
    return dict(sorted(generated.items()))


def _run_generators(places: Places, contracts: list[str]) -> Iterator[tuple[str, bytes]]:
    with tempfile.TemporaryDirectory() as folder:
        messages = [f"--python_out={folder}", plugin("protoc-gen-mypy"), f"--mypy_out=quiet:{folder}"]
        rpcs = [
            f"--grpc_python_out={folder}",
            plugin("protoc-gen-mypy_grpc"),
            f"--mypy_grpc_out=quiet,async_only:{folder}",
        ]
        run_protoc(places.protos, messages, [*contracts, VALIDATE])
        services = [name for name in contracts if name.endswith("_service.proto")]
        if services:
            run_protoc(places.protos, rpcs, services)
        for path in sorted(Path(folder).rglob("*.py*")):
            relative = path.relative_to(folder).as_posix()
            place = relative if relative.startswith("usher/") else f"usher/{relative}"
            yield place, _VALIDATE_IMPORT.sub(_VALIDATE_MOVED, path.read_text()).encode()
