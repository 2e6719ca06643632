"""Join the stores of several machines into one."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from layerwise.studies.schema import Row, StoreError
from layerwise.studies.store import Store


@dataclass(frozen=True)
class Merged:
    """What merging did, in trials.

    Attributes
    ----------
    added : int
        New to the store.
    overlapping : int
        Already there, with the same values.
    mended : int
        Failed there, succeeded in another store: these replaced them.
    """

    added: int
    overlapping: int
    mended: int


def merge_stores(store: Store, others: Iterable[Store]) -> Merged:
    """Add to a store the trials and studies of others; of a trial that several hold, one is kept.

    Seconds and memory may differ between machines, values may not. Where one store holds a failure and another a
    success, the success is kept.

    Parameters
    ----------
    store : Store
        What the others are added to.
    others : iterable of Store
        Left as they are.

    Returns
    -------
    Merged
        How many trials were added, overlapped and were mended.

    Raises
    ------
    StoreError
        When two stores hold different values of the same trial; names trial and stores, and adds nothing.
    """
    held = {row.key: (row, store) for row in store.rows()}
    before = set(held)
    added, overlapping, mended, studies = {}, 0, 0, {}
    for other in others:
        studies |= {study.key: study for study in other.studies()}
        for row in other.rows():
            if row.key not in held:
                added[row.key] = row
            elif held[row.key][0].outcome.error is not None and row.outcome.error is None:
                added[row.key] = row
                mended += row.key in before
            else:
                _check_same(*held[row.key], row, other)
                overlapping += 1
                continue
            held[row.key] = (row, other)
    store.add_rows(added.values(), studies.values())
    return Merged(len(set(added) - before), overlapping, mended)


def _check_same(first: Row, first_store: Store, second: Row, second_store: Store) -> None:
    """Refuse two successes of one trial whose values differ in any bit."""
    if second.outcome.error is not None or first.outcome.error is not None:
        return
    one, other = ({"risk": row.outcome.risk, **row.outcome.metrics} for row in (first, second))
    name = next((name for name in one | other if _bits(one, name) != _bits(other, name)), None)
    if name is None:
        return
    trial = first.trial
    raise StoreError(
        f"{trial.learner} on {trial.target} (dim = {trial.dim}, n = {trial.n}, seed = {trial.seed}; trial "
        f"{first.key[:12]}) has {name} = {one.get(name)!r} in {first_store.path} (layerwise {first.version}) and "
        f"{other.get(name)!r} in {second_store.path} (layerwise {second.version}). The same trial has one value, so "
        "nothing was merged. Find out which program or machine differs, and run that part again into a new store."
    )


def _bits(values: Mapping[str, float], name: str) -> bytes | None:
    return struct.pack("d", values[name]) if name in values else None
