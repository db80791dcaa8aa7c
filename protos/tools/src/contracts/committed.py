"""Compares generated files with the committed ones, and writes only those that differ."""

from collections.abc import Iterator, Mapping
from pathlib import Path


def differing(folder: Path, wanted: Mapping[str, bytes], *, owned: str) -> list[str]:
    """Paths below `folder` that are missing, different, or match the glob `owned` without being wanted; sorted."""
    return sorted({*_changed(folder, wanted), *_stale(folder, wanted, owned)})


def write(folder: Path, wanted: Mapping[str, bytes], *, owned: str) -> list[str]:
    """Make `folder` hold exactly `wanted` among the files matching `owned`; says which paths were touched."""
    touched = differing(folder, wanted, owned=owned)
    for path in touched:
        target = folder / path
        if path in wanted:
            target.parent.mkdir(parents=True, exist_ok=True)
            _replace(target, wanted[path])
        else:
            target.unlink()
    return touched


def _replace(target: Path, content: bytes) -> None:
    """In one step, so that nobody who imports the package meanwhile reads half a file."""
    fresh = target.with_name(target.name + ".fresh")
    fresh.write_bytes(content)
    fresh.replace(target)


def _changed(folder: Path, wanted: Mapping[str, bytes]) -> Iterator[str]:
    for path, content in wanted.items():
        target = folder / path
        if not target.is_file() or target.read_bytes() != content:
            yield path


def _stale(folder: Path, wanted: Mapping[str, bytes], owned: str) -> Iterator[str]:
    for target in folder.glob(owned):
        path = target.relative_to(folder).as_posix()
        if target.is_file() and "__pycache__" not in path and path not in wanted:
            yield path
