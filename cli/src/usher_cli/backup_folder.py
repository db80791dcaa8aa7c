"""A backup: a folder with a file of BSON for each collection, as mongodump has it, and a manifest written last."""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from local_stack.platform_processes import SERVICES
from mongo_store.copies import Copying, copying
from mongo_store.schema import COLLECTION as SCHEMA
from usher_cli.options import CommandFailure

DATABASES = tuple(f"usher_{service}" for service in SERVICES)
MANIFEST = "manifest.json"
LAYOUT = 1
_HEAD = 4  # bytes: how long a document of BSON is, these included


@dataclass(frozen=True, slots=True)
class Part:
    """What the file of a collection holds."""

    documents: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds. `moment`: "snapshot" of a running platform, or "standstill" because nothing ran."""

    made_at: str
    version: str
    moment: str
    seconds: float
    databases: Mapping[str, Mapping[str, Part]]
    layout: int = LAYOUT
    parts: Sequence[Part] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", [each for some in self.databases.values() for each in some.values()])

    def document(self) -> dict[str, object]:
        """As JSON."""
        return {key: value for key, value in asdict(self).items() if key != "parts"} | {
            "documents": sum(each.documents for each in self.parts),
            "bytes": sum(each.bytes for each in self.parts),
        }


def create(uri: str, folder: Path) -> Manifest:
    """Copy all databases into a folder that is not there yet, or nothing; CommandFailure, Refusal."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CommandFailure(f"{folder} is there already: name a new folder")
    began, partial = time.monotonic(), folder.with_name(f".{folder.name}.{os.getpid()}")
    with copying(uri, DATABASES) as source:
        if runs := bool(source.running()):
            held = source.hold()
        else:
            held = {database: source.collections(database) for database in DATABASES}
        partial.mkdir(mode=0o700, parents=True)
        try:
            copied = {database: _copied(source, database, held[database], partial / database) for database in DATABASES}
        except BaseException:
            shutil.rmtree(partial)
            raise
        if not runs and (running := source.running()):
            shutil.rmtree(partial)
            raise CommandFailure(f"{running[0]} has begun meanwhile, so this copy is not of one moment: do it again")
    if not any(copied.values()):
        partial.rmdir()
        raise CommandFailure("there is nothing in this database to back up")
    manifest = Manifest(
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        version=version("usher-cli"),
        moment="snapshot" if runs else "standstill",
        seconds=round(time.monotonic() - began, 3),
        databases=copied,
    )
    _write(partial / MANIFEST, [json.dumps(manifest.document(), indent=2).encode()])
    partial.rename(folder)
    return manifest


def restore(uri: str, folder: Path, begins: Callable[[str], None], *, force: bool = False) -> tuple[Manifest, float]:
    """Put a backup into databases that are empty, or emptied by force; seconds too. CommandFailure, Refusal.

    The whole folder is checked before anything changes. Until all of it is there, no service begins on any part.
    begins: is told the hosts before anything is deleted.
    """
    manifest = checked(folder)
    began = time.monotonic()
    with copying(uri, DATABASES) as target:
        _shut(target, force=force)
        begins(target.hosts())
        for database in DATABASES:
            target.empty(database)
        for database, collections in manifest.databases.items():
            for collection, part in collections.items():
                if collection == SCHEMA:
                    continue
                written = target.write(database, collection, _documents(_file(folder, database, collection)))
                if written != part.documents:
                    raise CommandFailure(f"{database}.{collection}: {written} of {part.documents} documents arrived")
        if running := target.running():
            raise CommandFailure(f"{running[0]} came back meanwhile: end it, then do it again with --force")
        for database in DATABASES:
            schema = _file(folder, database, SCHEMA)
            target.open(database, _documents(schema) if SCHEMA in manifest.databases.get(database, {}) else ())
    return manifest, time.monotonic() - began


def _shut(target: Copying, *, force: bool) -> None:
    """No service begins any more, and none runs; else CommandFailure, and all is as it was."""
    try:
        for database in DATABASES:
            target.close(database)
        if running := target.running():
            raise CommandFailure(
                f"{running[0]} works on this database: end all services first (one that was killed counts for a minute)"
            )
        if not force and (filled := target.filled()):
            raise CommandFailure(f"{', '.join(filled)} hold data already: --force deletes it first")
    except BaseException:
        for database in DATABASES:
            target.reopen(database)
        raise


def checked(folder: Path) -> Manifest:
    """What a folder holds, each file compared with the manifest; CommandFailure names the first that differs."""
    try:
        given = json.loads((folder / MANIFEST).read_text("utf-8"))
        if given["layout"] != LAYOUT:
            raise CommandFailure(f"{folder} has layout {given['layout']}, this command reads {LAYOUT}")
        databases = {
            database: {name: Part(**part) for name, part in parts.items()}
            for database, parts in given["databases"].items()
        }
        manifest = Manifest(given["made_at"], given["version"], given["moment"], given["seconds"], databases)
    except FileNotFoundError:
        raise CommandFailure(f"no backup in {folder}: {MANIFEST} is missing") from None
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as trouble:
        raise CommandFailure(f"{folder / MANIFEST} is damaged: {trouble}") from trouble
    if unknown := set(databases) - set(DATABASES):
        raise CommandFailure(f"{folder} holds {', '.join(sorted(unknown))}, which is none of Usher's databases")
    for database, parts in databases.items():
        for collection, part in parts.items():
            path = _file(folder, database, collection)
            if not path.is_file():
                raise CommandFailure(f"{path} is missing")
            with path.open("rb") as stream:
                if hashlib.file_digest(stream, "sha256").hexdigest() != part.sha256:
                    raise CommandFailure(f"{path} is not as it was written")
    return manifest


def _copied(source: Copying, database: str, collections: Iterable[str], folder: Path) -> Mapping[str, Part]:
    parts = {}
    for collection in collections:
        folder.mkdir(mode=0o700, exist_ok=True)
        parts[collection] = _write(folder / f"{collection}.bson", source.documents(database, collection))
    return parts


def _write(path: Path, documents: Iterable[bytes]) -> Part:
    """For its owner alone: there are private keys in it, and people."""
    count = size = 0
    digest = hashlib.sha256()
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        for each in documents:
            stream.write(each)
            digest.update(each)
            count, size = count + 1, size + len(each)
        stream.flush()
        os.fsync(stream.fileno())
    return Part(count, size, digest.hexdigest())


def _documents(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while head := stream.read(_HEAD):
            yield head + stream.read(int.from_bytes(head, "little") - _HEAD)


def _file(folder: Path, database: str, collection: str) -> Path:
    return folder / database / f"{collection}.bson"
