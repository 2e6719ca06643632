"""The memory that concurrent trials may use: a share of what is free on the machine and in every control group.

Linux limits memory by nested control groups: of a container, a batch job, a user session. A process may use what the
tightest of them has left, from its own group up to the root:

    free memory of a group = limit - usage + inactive file cache      (the kernel frees that cache on demand)
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil

SHARE = 0.8  # share of the memory that is free when the study starts
OWN_GROUPS = Path("/proc/self/cgroup")
ROOT = Path("/sys/fs/cgroup")
VERSION_1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
VERSION_2 = ("memory.max", "memory.current", "inactive_file")


def memory_budget() -> float:
    """Return the number of bytes that all running trials together may use."""
    return SHARE * max(0, min([psutil.virtual_memory().available, *_free_of_groups()]))


def _free_of_groups() -> Iterator[int]:
    """Yield the free bytes of each control group of this process that has a limit."""
    try:
        lines = OWN_GROUPS.read_text().splitlines()
    except OSError:  # not Linux
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            root, names = ROOT, VERSION_2
        elif "memory" in controllers.split(","):
            root, names = ROOT / "memory", VERSION_1
        else:
            continue
        parts = [part for part in path.split("/") if part not in ("", "..")]  # "..": a group outside of this mount
        for depth in range(len(parts), -1, -1):  # in a container, the outer part of the path may not be there
            group = root.joinpath(*parts[:depth])
            if (free := _free(group, *names)) is not None:
                yield free


def _free(group: Path, limit: str, usage: str, cache: str) -> int | None:
    """Return limit - usage + cache of a group, None if it does not exist or has no limit."""
    try:
        most = (group / limit).read_text().strip()
        if most == "max":
            return None
        used = int((group / usage).read_text())
        stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    except OSError:
        return None
    return int(most) - used + int(stat.get(cache, 0))
