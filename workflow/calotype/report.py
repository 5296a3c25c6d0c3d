"""The HTML page: what was run, measured against claimed, the figures, what it cost, and where it comes from."""

import base64
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from calotype.errors import CalotypeError
from calotype.evaluation import COUNT_METRICS
from calotype.files import new_file
from calotype.statistics import judge
from calotype.tables import show

VERDICTS = {True: "agrees", False: "differs", None: "open"}


@dataclass(frozen=True)
class PackOrigin:
    """A pack and what it came from (the content of its provenance.json)."""

    study: str
    variant: str
    first: int
    last: int
    origin: Mapping[str, Any]


@dataclass(frozen=True)
class Print:
    """A figure of the report: the SVG file and its caption."""

    study: str
    file: Path
    caption: str


@dataclass(frozen=True)
class Job:
    """What a job cost, from Snakemake's benchmark file.

    Attributes:
        seconds: wall time.
        cpu: CPU time in seconds; NaN where the job was too short to be measured.
        memory: most resident memory in MiB; likewise.
    """

    stage: str
    what: str
    seconds: float
    cpu: float
    memory: float


def read_origin(file: Path, study: str, variant: str, first: int, last: int) -> PackOrigin:
    """Read the provenance of a pack."""
    try:
        return PackOrigin(study, variant, first, last, json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise CalotypeError(f"{file}: cannot be read: {error}.", "delete it to have its pack trained again.") from None


def train_job(pack: PackOrigin) -> Job:
    """What the training of a pack cost, as its own process counted it."""
    origin, what = pack.origin, f"{pack.study}/{pack.variant}, seeds {pack.first} to {pack.last}"
    return Job("train", what, origin["wall_seconds"], origin["cpu_seconds"], origin["peak_memory_mib"])


def read_job(file: Path, stage: str, what: str) -> Job:
    """Read one of Snakemake's benchmark files."""
    try:
        row = pd.read_csv(file, sep="\t", na_values="-").iloc[-1]
        return Job(stage, what, float(row["s"]), float(row["cpu_time"]), float(row["max_rss"]))
    except (OSError, ValueError, LookupError) as error:
        raise CalotypeError(f"{file}: cannot be read: {error}.", "delete it to have its job run again.") from None


def bounds(mean: float, low: float, high: float, share: bool) -> str:
    """The interval of a mean as text, ``[84.1, 93.5]``, with as many decimals; empty where there is none."""
    if not math.isfinite(low):
        return ""
    return f"[{show(low, share, unit=False, like=mean)}, {show(high, share, unit=False, like=mean)}]"


def interval(mean: float, low: float, high: float, share: bool) -> str:
    """A mean and its interval as text: ``88.8 % [84.1, 93.5]``."""
    return f"{show(mean, share)} {bounds(mean, low, high, share)}".strip()


def claim_text(claim: Mapping[str, Any], share: bool) -> str:
    """The number of a claim: ``90.0 %``, or with its bound, ``at most 50.0 %``."""
    for key, words in (("value", ""), ("at_most", "at most "), ("at_least", "at least ")):
        if claim[key] is not None:
            return words + show(claim[key], share)
    raise AssertionError(claim)


def _claims(
    study: Mapping[str, Any], runs: pd.DataFrame, summary: pd.DataFrame, pooled: pd.DataFrame
) -> list[dict[str, Any]]:
    rows = []
    for claim in study["claims"]:
        share = COUNT_METRICS[claim["metric"]].share
        where = {key: claim[key] for key in ("variant", "split", "metric")}
        values = _where(runs, **where).value.tolist()
        row = _where(summary, **where).iloc[0]
        together = _where(pooled, **where).iloc[0]
        bound = {key: claim[key] for key in ("value", "at_most", "at_least")}
        verdict = judge(values, **bound, images=together["images"] // together["seeds"] if share else None)
        rows.append(
            {
                "says": claim["says"],
                "variant": study["variants"][claim["variant"]]["label"],
                "split": claim["split"],
                "metric": COUNT_METRICS[claim["metric"]].label,
                "claimed": claim_text(claim, share),
                "measured": interval(row["mean"], row["low"], row["high"], share),
                "mean": show(row["mean"], share),
                "interval": bounds(row["mean"], row["low"], row["high"], share),
                "range": f"{show(min(values), share, unit=False)} to {show(max(values), share)}",
                "n": int(row["n"]),
                "verdict": VERDICTS[verdict.agrees],
                "reason": verdict.reason,
            }
        )
    return rows


def _where(table: pd.DataFrame, **values: Any) -> pd.DataFrame:
    for column, value in values.items():
        table = table[table[column] == value]
    return table


def _results(
    study: Mapping[str, Any], runs: pd.DataFrame, summary: pd.DataFrame, pooled: pd.DataFrame
) -> list[dict[str, Any]]:
    rows = []
    for (variant, split), group in summary.groupby(["variant", "split"], sort=False):
        where = {"variant": variant, "split": split}
        metrics = []
        for _, row in group.iterrows():
            share = COUNT_METRICS[str(row["metric"])].share
            metrics.append((show(row["mean"], share), bounds(row["mean"], row["low"], row["high"], share)))
        together = _where(pooled, **where, metric="exact").iloc[0]
        seeds = _where(runs, **where, metric="exact").value
        rows.append(
            {
                "variant": study["variants"][variant]["label"],
                "split": split,
                "n": len(seeds),
                "metrics": metrics,
                "range": f"{show(seeds.min(), True, unit=False)} to {show(seeds.max(), True)}",
                "pooled": (
                    show(together["value"], True),
                    bounds(together["value"], together["low"], together["high"], True),
                ),
                "images": int(together["images"] / together["seeds"]),
            }
        )
    return rows


def _recipes(study: Mapping[str, Any], origins: Sequence[PackOrigin]) -> list[dict[str, Any]]:
    rows = []
    for name, variant in study["variants"].items():
        packs = [pack for pack in origins if pack.variant == name]
        optimizer = {
            key: value for key, value in variant["optimizer"].items() if value not in (None, {}, "constant", 0.0)
        }
        rows.append(
            {
                "label": variant["label"],
                "description": variant["description"],
                "model": variant["model"],
                "arguments": variant["model_arguments"],
                "parameters": packs[0].origin["parameters"],
                "optimizer": optimizer.pop("name"),
                "optimizer_arguments": optimizer,
                "loss": variant["loss"].replace("_", " "),
                "epochs": variant["epochs"],
                "batch_size": variant["batch_size"],
                "train": variant["train"],
                "augment": ", ".join(variant["augment"]) or "none",
                "threads": variant["threads"],
                "seconds": pd.Series([s for pack in packs for s in pack.origin["seconds"].values()]).median(),
            }
        )
    return rows


def study_section(
    name: str,
    study: Mapping[str, Any],
    runs: pd.DataFrame,
    summary: pd.DataFrame,
    pooled: pd.DataFrame,
    confusion: pd.DataFrame,
    prints: Sequence[Print],
    origins: Sequence[PackOrigin],
) -> dict[str, Any]:
    """All that the page says of one study, as the template takes it.

    Args:
        name: of the study.
        study: its title, description, source, variants and claims, as `config.Study` holds them.
        runs, summary, pooled, confusion: the tables of `evaluation`.
        prints: the study's figures.
        origins: the study's packs.
    """
    return {
        "name": name,
        "title": study["title"],
        "description": study["description"],
        "source": study["source"],
        "claims": _claims(study, runs, summary, pooled),
        "metrics": [COUNT_METRICS[metric].label for metric in summary.metric.unique()],
        "results": _results(study, runs, summary, pooled),
        "confusions": _confusions(study, confusion),
        "recipes": _recipes(study, origins),
        "figures": [
            {"caption": item.caption, "name": item.file.stem, "data": base64.b64encode(item.file.read_bytes()).decode()}
            for item in prints
        ],
        "packs": origins,
    }


def cost(jobs: Sequence[Job]) -> list[dict[str, Any]]:
    """One line a job, longest first."""
    return [
        {
            "stage": job.stage,
            "what": job.what,
            "seconds": f"{job.seconds:.1f}",
            "cpu": f"{job.cpu:.1f}" if job.cpu == job.cpu else "–",
            "memory": f"{job.memory:,.0f}".replace(",", "\u202f") if job.memory == job.memory else "–",
        }
        for job in sorted(jobs, key=lambda job: -job.seconds)
    ]


def _distinct(entries: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return list({json.dumps(entry, sort_keys=True): entry for entry in entries}.values())


def _confusions(study: Mapping[str, Any], confusion: pd.DataFrame) -> list[dict[str, Any]]:
    """Of each variant, the confusion over all seeds on its last test split."""
    tables = []
    for variant, group in confusion[confusion.seed == "all"].groupby("variant", sort=False):
        split = group.split.iloc[-1]
        chosen = group[group.split == split]
        chosen = chosen.assign(predicted=chosen.predicted.astype(float).fillna(math.inf))  # sorted last
        wide = chosen.pivot(index="true", columns="predicted", values="images").fillna(0)
        columns = ["none" if math.isinf(column) else int(column) for column in wide.columns]
        rows = [
            (int(true), [int(count) for count in row]) for true, row in zip(wide.index, wide.to_numpy(), strict=True)
        ]
        tables.append(
            {"variant": study["variants"][variant]["label"], "split": split, "columns": columns, "rows": rows}
        )
    return tables


def render(template: Path, sections: Sequence[Mapping[str, Any]], jobs: Sequence[Job]) -> str:
    """The page, with everything it needs inside."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(template.parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    origins = [pack for section in sections for pack in section["packs"]]
    return environment.get_template(template.name).render(
        studies=sections,
        jobs=cost(jobs),
        total=sum(job.seconds for job in jobs),
        machines=_distinct([pack.origin["machine"] for pack in origins]),
        packages=_distinct([pack.origin["packages"] for pack in origins]),
        revisions=sorted({str(pack.origin["code"]["git"]) for pack in origins}),
    )


def findings(sections: Sequence[Mapping[str, Any]]) -> str:
    """What was found, in a few lines for the terminal."""
    lines = []
    for section in sections:
        lines.append(f"{section['title']} ({section['name']})")
        width = max(len(row["variant"]) for row in section["results"])
        splits = max(len(row["split"]) for row in section["results"])
        for row in section["results"]:
            # With one seed there is no interval over seeds: then the one over the images.
            mean, between = row["metrics"][0] if row["n"] > 1 else row["pooled"]
            count = f"{row['n']} seed{'s' if row['n'] > 1 else ''}, {row['images']} images"
            found = f"{section['metrics'][0]} {mean} {between}"
            lines.append(f"  {row['variant']:<{width}}  {row['split']:<{splits}}  {found}  ({count})")
        for claim in section["claims"]:
            lines.append(
                f"  claimed: {claim['metric']} {claim['claimed']} on {claim['split']}; "
                f"measured: {claim['measured']}; {claim['verdict']}"
            )
    return "\n".join(lines) + "\n"


def write_text(text: str, file: Path) -> None:
    """Write a text file whole or not at all.

    Raises:
        CalotypeError: the file cannot be written.
    """
    with new_file(file) as aside:
        aside.write_text(text, encoding="utf-8")
