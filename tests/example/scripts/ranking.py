"""Write down the variants of a study, the best first."""

from pathlib import Path

import pandas as pd

summary = pd.read_csv(snakemake.input.summary)
scores = summary[(summary.metric == "accuracy") & (summary.split == "test")].set_index("variant")["mean"]
lines = [f"{variant}: {100 * score:.1f} %\n" for variant, score in scores.sort_values(ascending=False).items()]
Path(snakemake.output.text).write_text("".join(lines), encoding="utf-8")
