"""The table of the results, and how often each method is the best."""

from __future__ import annotations

import pandas as pd


def summary(found: list[dict]) -> str:
    """Return R² by task and method (the mean over seeds), and ranks, as Markdown."""
    if not found:
        return "no results yet"
    rows = pd.DataFrame(found)
    table = rows.pivot_table(index=["kind", "task"], columns="model", values="r2", aggfunc="mean", sort=False)
    seconds = rows.groupby("model")["seconds"].median()
    table = table[[name for name in dict.fromkeys(rows["model"]) if name in table.columns]]
    best = table.max(axis=1)
    lines = ["| task | " + " | ".join(table.columns) + " |", "|---" * (len(table.columns) + 1) + "|"]
    for (_, task), values in table.iterrows():
        cells = ["" if pd.isna(v) else f"**{v:.3f}**" if v >= best[(_, task)] - 0.01 else f"{v:.3f}" for v in values]
        lines.append(f"| {task} | " + " | ".join(cells) + " |")
    within = (table.ge(best - 0.01, axis=0)).groupby(level="kind").mean()
    behind = table.rsub(best, axis=0).groupby(level="kind").max()
    ranks = table.rank(axis=1, ascending=False, na_option="bottom").groupby(level="kind").mean()
    for kind in within.index:
        cells = [
            f"{within.loc[kind, m]:.0%} / {behind.loc[kind, m]:.2f} / {ranks.loc[kind, m]:.1f}" for m in table.columns
        ]
        lines.append(f"| *{kind}: within .01 of the best / most below it / mean rank* | " + " | ".join(cells) + " |")
    lines.append("| *median seconds* | " + " | ".join(f"{seconds[m]:.1f}" for m in table.columns) + " |")
    return "\n".join(lines)
