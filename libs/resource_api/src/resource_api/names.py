"""Resource names by pattern (AIP-122)."""

import re

from domain_kit.ids import new_id
from domain_kit.refusals import InvalidArgument

# Lower-case letters, digits and inner hyphens, at most 63 (RFC 1034, as AIP-122 advises); a ULID fits.
_ID = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_VARIABLE = re.compile(r"\{([a-z_]+)\}")


class ResourceName:
    """Names of one kind of resource: ResourceName("events/{event}/bookings/{booking}")."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.variables = tuple(_VARIABLE.findall(pattern))
        expression = _VARIABLE.sub(lambda found: f"(?P<{found[1]}>{_ID})", pattern)
        self._expression = re.compile(expression)
        # The last two segments are the resource's own collection and id.
        self._parent_segments = pattern.count("/") - 1

    def format(self, **ids: str) -> str:
        """The name with these ids. ValueError when they do not make a name of this pattern."""
        name = self.pattern.format(**ids)
        if set(ids) != set(self.variables) or not self.matches(name):
            raise ValueError(f"{name!r} is not {self.pattern}")
        return name

    def new(self, parent: str = "") -> str:
        """A name with a fresh ULID below `parent` ("" at the top level). ValueError for a parent of another kind."""
        collection = self.pattern.rsplit("/", 2)[-2]
        name = f"{parent}/{collection}/{new_id()}" if parent else f"{collection}/{new_id()}"
        if not self.matches(name):
            raise ValueError(f"{parent!r} is not a parent of {self.pattern}")
        return name

    def matches(self, name: str) -> bool:
        """Whether it is such a name."""
        return self._expression.fullmatch(name) is not None

    def parse(self, name: str, *, field: str = "name") -> dict[str, str]:
        """Its ids by variable. InvalidArgument NAME_INVALID that names the request `field`."""
        found = self._expression.fullmatch(name)
        if found is None:
            raise InvalidArgument.of(field, f"must have the form {self.pattern}.", reason="NAME_INVALID")
        return found.groupdict()

    def id_of(self, name: str, *, field: str = "name") -> str:
        """Its last id. InvalidArgument as `parse`."""
        return self.parse(name, field=field)[self.variables[-1]]

    def parent_of(self, name: str, *, field: str = "name") -> str:
        """The name of the resource it belongs to, "" at the top level. InvalidArgument as `parse`."""
        self.parse(name, field=field)
        return "/".join(name.split("/")[: self._parent_segments])
