"""The budget is a share of the memory that is free on the machine and in each control group of this process."""

from types import SimpleNamespace

import psutil
import pytest

from layerwise.studies.execution import memory

GIB = 2**30


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """A function that makes control groups on a machine of 100 GiB, and returns the free GiB."""

    def groups(line, made, names):
        own = tmp_path / "self"
        own.write_text(f"12:cpu,cpuacct:/elsewhere\n{line}\n")
        limit, usage, cache = names
        for path, (most, used, given_back) in made.items():
            group = tmp_path / "cgroup" / path
            group.mkdir(parents=True, exist_ok=True)
            (group / limit).write_text(f"{most}\n")
            (group / usage).write_text(f"{used}\n")
            (group / "memory.stat").write_text(f"anon 1\n{cache} {given_back}\n")
        monkeypatch.setattr(memory, "OWN_GROUPS", own)
        monkeypatch.setattr(memory, "ROOT", tmp_path / "cgroup")
        monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=100 * GIB))
        return round(memory.memory_budget() / memory.SHARE / GIB, 6)

    return groups


@pytest.mark.parametrize(
    ("made", "free"),
    [
        ({"": ("max", 0, 0), "job": ("max", 0, 0), "job/step": ("max", 0, 0)}, 100),  # no limit
        ({"job": ("max", 0, 0), "job/step": (8 * GIB, 3 * GIB, GIB)}, 6),  # the limit of the innermost group
        ({"job": (4 * GIB, 3 * GIB, 0), "job/step": (8 * GIB, GIB, 0)}, 1),  # an outer group, with its other members
        ({"": (2 * GIB, GIB, 0), "job": (4 * GIB, GIB, 0)}, 1),  # a container, where the root is the process's group
        ({"job": (GIB, 2 * GIB, 0)}, 0),
        ({"job": (500 * GIB, GIB, 0)}, 100),
        ({"other": (GIB, 0, 0)}, 100),
        ({}, 100),
    ],
)
@pytest.mark.parametrize("version", [1, 2])
def test_the_tightest_group_counts(groups, made, free, version):
    # catches: only the root's limit; usage, or the cache that the kernel can free, ignored; "max" read as a number
    if version == 2:
        assert groups("0::/job/step", made, ("memory.max", "memory.current", "inactive_file")) == free
    else:
        made = {f"memory/{path}": (2**63 - 4096 if m == "max" else m, u, c) for path, (m, u, c) in made.items()}
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        assert groups("5:memory,hugetlb:/job/step", made, names) == free


def test_a_path_outside_of_the_mount(groups):
    # catches: files read outside of the mount, if the process is in a group above its root
    names = ("memory.max", "memory.current", "inactive_file")
    assert groups("0::/../../job", {"job": (8 * GIB, GIB, 0), "../job": (GIB, 0, 0)}, names) == 7


def test_the_budget_of_this_machine(tmp_path, monkeypatch):
    # catches: a budget above the physical memory; a system without control groups that cannot run a study
    assert 0 < memory.memory_budget() <= memory.SHARE * psutil.virtual_memory().total
    monkeypatch.setattr(memory, "OWN_GROUPS", tmp_path / "none")
    assert 0 < memory.memory_budget() <= memory.SHARE * psutil.virtual_memory().total
