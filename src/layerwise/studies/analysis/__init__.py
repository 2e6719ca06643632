"""Results of a study: tables, sample complexities and exponents. Works without SQLite."""
