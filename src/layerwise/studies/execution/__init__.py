"""Running the trials of a study: threads, processes or a Dask cluster."""
