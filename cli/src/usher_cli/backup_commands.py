"""backup: the databases of all services as a folder of files, and back. Kafka and Elasticsearch are made from them."""

from pathlib import Path
from typing import Annotated

import typer

from local_stack.readiness import LOOPBACK
from usher_cli.options import CommandFailure, Data, Json, stack_of, told
from usher_cli.output import aside, duration, mebibytes, out, print_json

Folder = Annotated[Path, typer.Argument(help="Folder of the backup.")]
_URI_HELP = "MongoDB of a cluster, instead of that of a local stack."
UriToRead = Annotated[str, typer.Option("--uri", envvar="USHER_BACKUP_URI", help=_URI_HELP, show_default=False)]
UriToWrite = Annotated[str, typer.Option("--uri", help=_URI_HELP, show_default=False)]
"""Named on the command line alone: what an environment says by accident is not to be deleted."""


def build() -> typer.Typer:
    """The commands under `usher backup`."""
    commands = typer.Typer(help="The databases of all services as files, and back.", no_args_is_help=True)
    commands.command("create")(create)
    commands.command("restore")(restore)
    commands.command("verify")(verify)
    return commands


def _uri(uri: str, data: Path | None) -> str:
    if uri and data:
        raise CommandFailure(
            "two databases are named, --data (or USHER_DATA) and --uri (or USHER_BACKUP_URI): leave one out"
        )
    return uri or f"mongodb://{LOOPBACK}:{stack_of(data).state().ports['mongodb']}/?replicaSet=secantus"


@told
def create(folder: Folder, data: Data = None, uri: UriToRead = "", as_json: Json = False) -> None:
    """Copy all seven databases as of one moment. It holds people's data and private keys: encrypt what leaves here."""
    from usher_cli import backup_folder  # the database's driver loads only where needed

    manifest = backup_folder.create(_uri(uri, data), folder.resolve())
    told = manifest.document()
    if as_json:
        print_json({"folder": str(folder), **told})
    else:
        out().print(f"{told['documents']} documents, {_size(told)}, in {manifest.seconds:.1f} s ({manifest.moment})")


@told
def restore(
    folder: Folder,
    data: Data = None,
    uri: UriToWrite = "",
    force: Annotated[bool, typer.Option("--force", help="Delete what is in these databases first.")] = False,
    as_json: Json = False,
) -> None:
    """Put a backup into empty databases on which no service runs. Kafka and Elasticsearch have to be empty too."""
    from usher_cli import backup_folder

    manifest, seconds = backup_folder.restore(
        _uri(uri, data), folder.resolve(), lambda hosts: aside(f"restoring into {hosts}"), force=force
    )
    told = manifest.document()
    if as_json:
        print_json({"folder": str(folder), **told, "seconds": round(seconds, 3)})
    else:
        out().print(f"{told['documents']} documents of {manifest.made_at} are back, in {duration(seconds)}")
        out().print("next: start the services; they fill Kafka and Elasticsearch. Then `usher ledger verify`")


@told
def verify(folder: Folder, as_json: Json = False) -> None:
    """Check that every file of a backup is as it was written."""
    from usher_cli import backup_folder

    manifest = backup_folder.checked(folder.resolve())
    told = manifest.document()
    if as_json:
        print_json({"folder": str(folder), **told})
    else:
        out().print(f"sound: {told['documents']} documents, {_size(told)}, of {manifest.made_at}")


def _size(told: dict[str, object]) -> str:
    return mebibytes(int(str(told["bytes"])))
