"""Write the tables of docs/papers.md and docs/statements.md from what ``layerwise verify`` wrote.

Usage: ``python docs/tables.py out/claims.json``. In papers.md, the text between ``<!-- claims KEY -->`` and
``<!-- end -->`` is replaced; in statements.md, the third column of every row whose first column begins with the number
of a statement, such as ``D8.``.
"""

from __future__ import annotations

import json
import math
import re
import sys
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent


def number(value: float | None) -> str:
    """Return a number as text; None stands for a value that JSON cannot hold."""
    return "∞" if value is None or math.isinf(value) else f"{value:.3g}"


def measured(row: dict[str, Any]) -> str:
    """Return the value and its interval."""
    if row["measured"] is None:
        return "not measured"
    if row["lower"] == row["upper"]:
        return number(row["measured"])
    return f"{number(row['measured'])} [{number(row['lower'])}, {number(row['upper'])}]"


def claims_table(rows: list[dict[str, Any]]) -> str:
    """Return the table of one paper: one line per test, the claim only on its first line."""
    lines = ["| claim | what is measured | theory | range | measured | |", "|---|---|---|---|---|---|"]
    previous = None
    for row in rows:
        claim = f"`{row['claim']}` ({row['source']}): {row['statement']}" if row["claim"] != previous else ""
        verdict = row["test"] if row["test"] == "supported" else f"**{row['test']}**"
        cells = (claim, row["quantity"], number(row["theory"]), row["expected"], measured(row), verdict)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        previous = row["claim"]
    return "\n".join(lines)


def write_papers(text: str, about: dict[str, Any]) -> str:
    """Return papers.md with new tables."""
    for key in dict.fromkeys(row["paper"] for row in about["claims"]):
        rows = [row for row in about["claims"] if row["paper"] == key]
        verdicts = {row["claim"]: row["verdict"] for row in rows}.values()
        counts = ", ".join(f"{[*verdicts].count(v)} {v}" for v in dict.fromkeys(verdicts))
        head = f"Size {about['size']}, {about['date']}: {len(verdicts)} claims, {counts}."
        block = f"<!-- claims {key} -->\n{head}\n\n{claims_table(rows)}\n<!-- end -->"
        text, found = re.subn(rf"<!-- claims {key} -->.*?<!-- end -->", lambda _, b=block: b, text, flags=re.DOTALL)
        if not found:
            raise SystemExit(f"docs/papers.md has no '<!-- claims {key} -->'. Add it, and '<!-- end -->' below it.")
    return text


def write_statements(text: str, about: dict[str, Any]) -> str:
    """Return statements.md with the claims that answer each statement, and their verdicts."""
    answers: dict[str, dict[str, str]] = {}
    for row in about["claims"]:
        for statement in row["answers"].split():
            answers.setdefault(statement, {})[f"{row['paper']}/{row['claim']}"] = row["verdict"]
    lines = []
    for line in text.splitlines():
        match = re.match(r"\| ([DNWL]\d+)\. ", line)
        if match:
            cells = line.split(" | ")[:2]
            claims = answers.get(match[1], {}).items()
            third = ", ".join(f"`{name}`" + ("" if v == "supported" else f" ({v})") for name, v in claims)
            line = " | ".join([*cells, f"{third} |" if third else "|"]).replace("|  |", "| |")
        elif line.startswith("Verdicts: "):
            line = f"Verdicts: size {about['size']}, {about['date']}."
        lines.append(line)
    return "\n".join(lines) + "\n"


def main() -> None:
    """Rewrite both files."""
    about = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    for name, write in (("papers.md", write_papers), ("statements.md", write_statements)):
        path = DOCS / name
        path.write_text(write(path.read_text(encoding="utf-8"), about), encoding="utf-8")


if __name__ == "__main__":
    main()
