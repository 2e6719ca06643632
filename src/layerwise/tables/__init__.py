"""One regression table: read it, hold out a part, and fit a learner beside two baselines."""

from layerwise.tables.fitting import TableFit, fit_table, table_learners
from layerwise.tables.reading import read_table

__all__ = ["TableFit", "fit_table", "read_table", "table_learners"]
