"""What a study found: tables, samples needed, exponents. Works without SQLite."""
