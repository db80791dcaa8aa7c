"""How much memory the system lets this process have: what its container is limited to, or all there is."""

import os
from pathlib import Path

# cgroups 2 and 1, as a container sees its own.
PLACES = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def memory_limit(places: tuple[Path, ...] = PLACES) -> int:
    """In bytes. "No limit" is a word in cgroups 2, and in cgroups 1 a number that is larger than any machine."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for place in places:
        try:
            said = place.read_text().strip()
        except OSError:
            continue
        return min(int(said), machine) if said.isdecimal() else machine
    return machine
