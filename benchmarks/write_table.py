"""Run the benchmarks of speed and scale, each in a process of its own, and write what they print to docs/benchmarks.md.

Run: python benchmarks/write_table.py, or make bench (at most 15 minutes on two cores)
"""

import ast
import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy
import scipy

HERE = Path(__file__).parent
RUNS = (
    ("bench_kernel_entries.py",),
    ("bench_kernel_fit.py", "2000"),
    ("bench_large_kernel.py", "5000", "5000", "1000"),
    ("bench_moments.py", "10000"),
    ("bench_heavy_primitives.py",),
    ("bench_design_matrix.py",),
)


def main(*only):
    parts = [
        "# Benchmarks",
        "Written by `make bench`; each section is the output of one script of `benchmarks/`, with what it compares. "
        "Ratios are of times in one process; absolute times depend on the machine and its load.",
        f"Python {platform.python_version()}, NumPy {numpy.__version__}, SciPy {scipy.__version__}, "
        f"{os.cpu_count()} cores, {platform.machine()}.",
    ]
    for script, *arguments in RUNS:
        if only and script not in only:
            continue
        print(script, *arguments, flush=True)
        command = [sys.executable, str(HERE / script), *arguments]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        title, _, text = (ast.get_docstring(ast.parse((HERE / script).read_text())) or "").partition("\n\n")
        text = text.partition("Run:")[0].partition("\n\n    python")[0].strip()
        parts += [
            f"## `{' '.join([script, *arguments])}`",
            title,
            *([text] if text else []),
            f"```text\n{output.rstrip()}\n```",
        ]
    (HERE.parent / "docs" / "benchmarks.md").write_text("\n\n".join(filter(None, parts)) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
