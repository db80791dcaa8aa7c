"""Etags: what a client saw, so that a write over a later state is refused (AIP-154)."""

from domain_kit.refusals import Aborted


def etag_of(version: int) -> str:
    """The etag of an aggregate's version; opaque to clients."""
    return f'"{version:x}"'


def check_etag(etag: str, version: int) -> None:
    """Aborted ETAG_MISMATCH when `etag` is given and is not that of `version`."""
    if etag and etag != etag_of(version):
        raise Aborted("ETAG_MISMATCH", "The resource has changed since it was read; read it again.")
