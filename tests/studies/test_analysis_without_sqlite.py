"""Analysis and figures work in a Python without SQLite."""

import os
import subprocess
import sys
from pathlib import Path

CODE = """
import sys
sys.modules["sqlite3"] = None  # importing it raises ImportError
from curves import made_up, power_law
from layerwise.studies import SampleComplexityDisplay, blank_axes, fit_exponent, fit_rate, sample_complexity

result = made_up(power_law, seeds=3)
print(*sample_complexity(result, 0.5)["n_star"])
print(fit_exponent(result, 0.5)[0].exponent, fit_rate(result)["rate"][0])
SampleComplexityDisplay.from_study(result, dim=8, ax=blank_axes())
try:
    from layerwise.studies import Store
except ImportError:
    print("no store")
"""


def test_analysis_does_not_import_sqlite():
    # catches: an import of the store by analysis or figures, or by `layerwise.studies` itself
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    n_star, fits, store = done.stdout.splitlines()
    for found, dim in zip(map(float, n_star.split()), (8, 16, 32), strict=True):
        assert abs(found / (6 * dim**1.7) - 1) < 1e-9
    exponent, rate = map(float, fits.split())
    assert abs(exponent - 1.7) < 1e-9
    assert abs(rate - 1) < 1e-9
    assert store == "no store"
