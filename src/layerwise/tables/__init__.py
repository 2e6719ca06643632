"""One regression table: read it, hold out a part, fit a learner beside two baselines, and say what it found."""

from layerwise.tables.fitting import LEARNERS, TableFit, fit_table
from layerwise.tables.reading import read_table
from layerwise.tables.structure import describe

__all__ = ["LEARNERS", "TableFit", "describe", "fit_table", "read_table"]
