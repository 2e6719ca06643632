"""A regression table: read it, compare a learner with other models, save the fitted model, and predict new rows."""

from layerwise.tables.fitting import TableFit, fit_table, table_learners
from layerwise.tables.reading import Table, read_table
from layerwise.tables.saving import load_model, predict_table, save_model

__all__ = [
    "Table",
    "TableFit",
    "fit_table",
    "load_model",
    "predict_table",
    "read_table",
    "save_model",
    "table_learners",
]
