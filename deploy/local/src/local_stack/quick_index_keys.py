"""What a document contributes to the indexes of the embedded database, as its own code says, but with fewer questions.

Nearly all indexed fields are plain ones at the top of a document, with one value each: one key an index comes of it.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

SAMPLES: Sequence[Any] = (None, True, 1, 1.0, "", {}, [], b"", datetime.now(UTC))
"""Of the types that are asked for again and again; what a value ranks depends on its type alone."""


def make_index_keys_quickly(storage: Any, sortkey: Any) -> None:
    """Teach SecantusDB's modules to; AttributeError where they have not the parts that this relies on."""
    keys, multikey, directed = storage._index_key_variants, storage._doc_makes_multikey, storage.encode_value_directed
    kind, geo_of, ranks, separator = storage.Storage, storage._geo_type_of, sortkey._rank, sortkey.COMPOUND_SEP
    validate, known = kind._validate_geo_indexes, {type(each): ranks(each) for each in SAMPLES}
    single = known.keys() - {dict, list}

    def rank(value: Any) -> int:
        found = known.get(type(value))
        return int(ranks(value)) if found is None else found

    def keys_of(document: Any, spec: Mapping[str, Any], *, sparse: bool, collation: Any = None) -> Any:
        if sparse or collation is not None or not _has_plain(document, spec):
            return keys(document, spec, sparse=sparse, collation=collation)
        values = [(document.get(field), direction) for field, direction in spec.items()]
        if any(type(value) not in single for value, _ in values):
            return keys(document, spec, sparse=sparse, collation=collation)
        return [separator.join(directed(value, int(direction)) for value, direction in values)]

    def makes_multikey(document: Any, spec: Mapping[str, Any]) -> bool:
        if not _has_plain(document, spec):
            return bool(multikey(document, spec))
        return any(isinstance(document.get(field), list) for field in spec)

    def validated(self: Any, db: str, coll: str, document: Any, indexes: Any, partials: Any = None) -> None:
        if any(geo_of(spec) is not None for _, spec, *_ in indexes):
            validate(self, db, coll, document, indexes, partials)

    storage._index_key_variants, storage._doc_makes_multikey = keys_of, makes_multikey
    sortkey._rank, kind._validate_geo_indexes = rank, validated


def _has_plain(document: Any, spec: Mapping[str, Any]) -> bool:
    """Whether the fields are at the top of the document."""
    return type(document) is dict and not any("." in field for field in spec)
