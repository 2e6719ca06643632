"""Merging the stores of several machines into one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from layerwise.studies.storage.rows import Row
from layerwise.studies.storage.schema import StoreError
from layerwise.studies.storage.store import Store


@dataclass(frozen=True)
class Merged:
    """The result of a merge.

    Attributes
    ----------
    added, overlapping, replaced : int
        Numbers of trials that the store did not have, that it had with the same values, and that had failed there and
        succeeded in another store.
    """

    added: int
    overlapping: int
    replaced: int


def merge_stores(store: Store, others: Iterable[Store]) -> Merged:
    """Add to a store the trials and studies of others. A trial that several stores hold is kept once.

    Run times and memory may differ between machines, values may not. If one store holds a failure and another a
    success, the success is kept; a metric that only one of them measured is kept as well.

    Parameters
    ----------
    store : Store
        The store to add to.
    others : iterable of Store
        The stores to add; they are left unchanged.

    Returns
    -------
    Merged

    Raises
    ------
    StoreError
        If two stores hold different values of the same trial; the message names the trial and both stores, and nothing
        is added. If another process is running trials into the store.
    """
    with store.writing():
        held = {row.key: [(row, store)] for row in store.rows()}  # the rows that together make up each trial
        before = set(held)
        added, overlapping, replaced = {}, 0, 0
        studies = {study.key: study for study in store.studies()}
        for other in others:
            studies |= {study.key: study for study in other.studies()}
            for row in other.rows():
                sources = held.get(row.key, [])
                if sources and (sources[0][0].outcome.error is None or row.outcome.error is not None):
                    for kept, its_store in sources:
                        _check_same(kept, its_store, row, other)
                    overlapping += 1
                    measured = {name for kept, _ in sources for name in kept.outcome.metrics}
                    if row.outcome.error is not None or row.outcome.metrics.keys() <= measured:
                        continue
                    sources.append((row, other))
                else:
                    replaced += row.key in before
                    held[row.key] = sources = [(row, other)]
                added[row.key] = sources
        store.add_rows((_joined([row for row, _ in sources]) for sources in added.values()), studies.values())
        return Merged(len(set(added) - before), overlapping, replaced)


def _check_same(first: Row, first_store: Store, second: Row, second_store: Store) -> None:
    """Raise StoreError if both trials succeeded and a value that both have differs in any bit."""
    if second.outcome.error is not None or first.outcome.error is not None:
        return
    one, other = ({"risk": row.outcome.risk, **row.outcome.metrics} for row in (first, second))
    name = next((name for name in one if name in other and float(one[name]).hex() != float(other[name]).hex()), None)
    if name is None:
        return
    trial = first.trial
    raise StoreError(
        f"{trial.learner} on {trial.target} (dim = {trial.dim}, n = {trial.n}, seed = {trial.seed}; trial "
        f"{first.key[:12]}) has {name} = {one[name]!r} in {first_store.path} (layerwise {first.version}) and "
        f"{other[name]!r} in {second_store.path} (layerwise {second.version}). A trial must have the same value "
        f"everywhere, so nothing was merged. {_cause(first, second)}"
    )


def _cause(first: Row, second: Row) -> str:
    """Return what may have made the difference, and what to do."""
    again = "run that part again into a new store."
    for what, one, other in (
        ("source of your own classes", first.source, second.source),
        ("versions of libraries", first.libraries, second.libraries),
    ):
        if one != other:
            return f"They were run with different {what} ({one} and {other}): choose one, and {again}"
    return f"Find out which program or machine differs, and {again}"


def _joined(rows: list[Row]) -> Row:
    """Return the first row, with the metrics that only the others have."""
    metrics = {name: value for row in reversed(rows) for name, value in row.outcome.metrics.items()}
    return rows[0]._replace(outcome=replace(rows[0].outcome, metrics=metrics))
