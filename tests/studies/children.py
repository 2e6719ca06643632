"""Studies in child processes, which tests interrupt or kill."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])])}


def rows_in(path):
    """Number of rows of a store that another process may be creating."""
    if not path.exists():
        return 0
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return connection.execute("SELECT count(*) FROM trial").fetchone()[0]
    except sqlite3.Error:  # the tables do not exist yet
        return 0
    finally:
        connection.close()


def start(store_path, toml_path, workers="threads"):
    command = [sys.executable, HERE / "throwaway.py", store_path, toml_path, workers]
    return subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True)
