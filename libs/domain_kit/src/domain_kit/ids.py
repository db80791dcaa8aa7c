"""New resource ids: ULIDs in lower case, sortable by creation time."""

from ulid import ULID


def new_id() -> str:
    """26 characters of Crockford base 32 in lower case (the ULID specification; AIP-122 wants lower case)."""
    return str(ULID()).lower()
