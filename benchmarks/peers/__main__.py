"""LayerwiseRegressor beside other methods, on synthetic targets, simulators and real tables.

    python benchmarks/peers results.jsonl [--budget quick] [--only synthetic|simulators|tables] [--seeds 0 1 2]
    python benchmarks/peers results.jsonl --table            # prints the table of the results so far, in Markdown

Each result is a line of the file; a run that was interrupted continues where it ended. Peers: pip install
'layerwise[peers]'; xRFM (pip install xrfm) and the tables of ISLP and statsmodels are used if they are installed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import traceback
import warnings
from pathlib import Path

import numpy as np
from sklearn.metrics import r2_score

sys.path.insert(0, str(Path(__file__).parent))
from models import models
from summary import summary
from tasks import tasks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("--budget", default="quick")
    parser.add_argument("--only", choices=["synthetic", "simulators", "tables"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--models", nargs="+")
    parser.add_argument("--tasks", nargs="+")
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    lines = options.results.read_text().splitlines() if options.results.exists() else []
    found = [json.loads(line) for line in lines]
    if options.table:
        print(summary(found))
        return
    done = {(row["task"], row["seed"], row["model"]) for row in found}
    for seed in options.seeds:
        for kind, name, draw in tasks(options.only):
            if options.tasks and name not in options.tasks:
                continue
            parts = None
            for model, make in models(options.budget).items():
                if (name, seed, model) in done or (options.models and model not in options.models):
                    continue
                parts = parts or draw(seed)
                row = {"kind": kind, "task": name, "seed": seed, "model": model} | run(make, parts)
                with options.results.open("a") as file:
                    file.write(json.dumps(row) + "\n")
                print(f"{name:28} {seed} {model:14} R² {row['r2']:7.3f}  {row['seconds']:6.1f} s", flush=True)


def run(make, parts) -> dict[str, object]:
    """Fit to the training rows and score on the others: one pair, or one for each fold of a table."""
    began = time.monotonic()
    try:
        scores = []
        for X, y, X_new, y_new in parts:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                scores.append(r2_score(y_new, make().fit(X, y).predict(X_new)))
        r2, error = float(np.mean(scores)), ""
    except Exception:  # a failure of a peer is a result
        r2, error = float("nan"), traceback.format_exc(limit=1)
    return {"r2": r2, "seconds": time.monotonic() - began, "error": error}


if __name__ == "__main__":
    main()
