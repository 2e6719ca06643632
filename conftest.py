"""Settings that must precede the import of NumPy and SciPy, and a summary of skipped tests."""

import os
import signal
import sys
from importlib.util import find_spec
from pathlib import Path

# scikit-learn skips one of its estimator checks unless this is set before SciPy is imported.
os.environ.setdefault("SCIPY_ARRAY_API", "1")
# Two test processes with two BLAS threads each on two cores run five times slower.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# A shell starts background jobs with SIGINT ignored, and children inherit that; tests of Ctrl-C need the default.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Test folders share the modules in tests/.
sys.path.insert(0, str(Path(__file__).parent / "tests"))

collect_ignore = []
if find_spec("torch") is None:  # modules that the doctest collection cannot import
    collect_ignore += [f"src/layerwise/learners/joint/{name}.py" for name in ("adam", "networks")]


def pytest_terminal_summary(terminalreporter) -> None:
    """Report skipped tests in one line, with the commands that install what is missing."""
    counts = {"PyTorch (pip install '.[torch]')": 0, "Chromium (apt-get install chromium chromium-driver)": 0}
    torch, chromium = counts
    others = 0
    for report in terminalreporter.stats.get("skipped", []):
        reason = str(report.longrepr).lower()
        if "torch" in reason:
            counts[torch] += 1
        elif "chromium" in reason or "selenium" in reason:
            counts[chromium] += 1
        else:
            others += 1
    parts = [f"{count} need {name}" for name, count in counts.items() if count]
    parts += [f"{others} for other reasons (-rs lists them)"] * bool(others)
    if parts:
        terminalreporter.write_line(f"skipped: {', '.join(parts)}")
