"""Fills the @NAME@ placeholders of a gateway template."""

import re
from collections.abc import Mapping

PLACEHOLDER = re.compile(r"@([A-Z][A-Z0-9_]*)@")


_REPEATED = '{{endpoint: {{address: {{socket_address: {{address: "@{name}_HOST@", port_value: @{name}_PORT@}}}}}}}}'


class PlaceholderMismatch(Exception):
    """The template and the values do not name the same placeholders; the text lists those missing and those unused."""


def render_gateway(template: str, values: Mapping[str, str]) -> str:
    """The template with every `@NAME@` replaced by `values["NAME"]`, as it is: nothing is quoted.

    Raises `PlaceholderMismatch` unless the names in the template and in `values` are the same, so that a renamed
    placeholder cannot be overlooked on either side; `ValueError` for a value with a line break, which could only
    change the structure around it.
    """
    wanted = set(PLACEHOLDER.findall(template))
    missing, unused = sorted(wanted - values.keys()), sorted(values.keys() - wanted)
    if missing or unused:
        raise PlaceholderMismatch(f"placeholders without a value: {missing}; values without a placeholder: {unused}")
    for name, value in values.items():
        if "\n" in value or "\r" in value:
            raise ValueError(f"the value of {name} contains a line break")
    return PLACEHOLDER.sub(lambda match: values[match[1]], template)


def replicated(template: str, service: str, count: int) -> str:
    """The template with `count` endpoints of a service instead of one, for replicas that have no common DNS name.

    The placeholders of the second are `<SERVICE>_2_HOST` and `<SERVICE>_2_PORT`, and so on. Raises `ValueError` where
    the template has no such endpoint.
    """
    name = service.upper()
    first = _REPEATED.format(name=name)
    if template.count(first) != 1:
        raise ValueError(f"the template has no single endpoint of {service}")
    more = [_REPEATED.format(name=f"{name}_{number}") for number in range(2, count + 1)]
    return template.replace(first, ", ".join([first, *more]))
