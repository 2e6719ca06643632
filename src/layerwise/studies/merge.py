"""Join the stores of several machines into one."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, replace

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
    success, the success is kept; a metric that only one of them measured is kept as well.

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
        When two stores hold different values of the same trial; names trial and stores, and adds nothing. When
        another process is running trials into the store.
    """
    with store.writing():
        return _merge(store, others)


def _merge(store: Store, others: Iterable[Store]) -> Merged:
    held = {row.key: (row, store) for row in store.rows()}
    before = set(held)
    added, overlapping, mended, studies = {}, 0, 0, {}
    for other in others:
        studies |= {study.key: study for study in other.studies()}
        for row in other.rows():
            kept, its_store = held.get(row.key, (None, store))
            if kept is not None and (kept.outcome.error is None or row.outcome.error is not None):
                _check_same(kept, its_store, row, other)
                overlapping += 1
                if row.outcome.error is not None or row.outcome.metrics.keys() <= kept.outcome.metrics.keys():
                    continue
                row = _with_metrics(kept, row)
            else:
                mended += row.key in before
                its_store = other
            added[row.key] = row
            held[row.key] = (row, its_store)
    store.add_rows(added.values(), studies.values())
    return Merged(len(set(added) - before), overlapping, mended)


def _check_same(first: Row, first_store: Store, second: Row, second_store: Store) -> None:
    """Refuse two successes of one trial of which a value that both have differs in any bit."""
    if second.outcome.error is not None or first.outcome.error is not None:
        return
    one, other = ({"risk": row.outcome.risk, **row.outcome.metrics} for row in (first, second))
    name = next((name for name in one if name in other and _bits(one[name]) != _bits(other[name])), None)
    if name is None:
        return
    trial = first.trial
    raise StoreError(
        f"{trial.learner} on {trial.target} (dim = {trial.dim}, n = {trial.n}, seed = {trial.seed}; trial "
        f"{first.key[:12]}) has {name} = {one[name]!r} in {first_store.path} (layerwise {first.version}) and "
        f"{other[name]!r} in {second_store.path} (layerwise {second.version}). The same trial has one value, so "
        "nothing was merged. Find out which program or machine differs, and run that part again into a new store."
    )


def _with_metrics(first: Row, second: Row) -> Row:
    """The first row, with the metrics that only the second has."""
    metrics = {**second.outcome.metrics, **first.outcome.metrics}
    return first._replace(outcome=replace(first.outcome, metrics=metrics))


def _bits(value: float) -> bytes:
    return struct.pack("d", value)
