"""The HTML page: what was run, measured against claimed, the figures, what it cost, and where it comes from."""

import base64
import json
import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from calotype.evaluation.divergence import converged, diverged_text, divergences
from calotype.evaluation.number_format import bounds, claim_text, measured_text, show
from calotype.evaluation.tables import images_tested
from calotype.metrics.registry import METRICS
from calotype.util.csv_tables import where
from calotype.util.errors import CalotypeError
from calotype.util.package_versions import COMPUTING


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
    """A figure of the report: the study, the figure's name in it, the SVG file and its caption."""

    study: str
    name: str
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


def read_figure(file: Path) -> bytes:
    """Read the file of a figure."""
    try:
        return file.read_bytes()
    except OSError as error:
        # Snakemake looks no further than a folder that has figures of several variants.
        hint = f"delete {file.parent} to have its figures printed again."
        raise CalotypeError(f"{file}: cannot be read: {error.strerror}.", hint) from None


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


def _labels(study: Mapping[str, Any]) -> dict[str, str]:
    return {name: variant["label"] for name, variant in study["variants"].items()}


def _claims(study: Mapping[str, Any], claims: pd.DataFrame) -> list[dict[str, Any]]:
    labels = _labels(study)
    rows = []
    for claim in claims.to_dict("records"):
        mean, between, spread = measured_text(claim)
        rows.append(
            {
                "says": claim["says"],
                "variant": labels[claim["variant"]],
                "split": claim["split"],
                "metric": METRICS[claim["metric"]].label,
                "claimed": claim_text(claim, labels),
                "mean": mean,
                "interval": between,
                "range": spread,
                "n": claim["n"],
                "verdict": claim["verdict"],
                "reason": claim["reason"],
                "note": claim["note"],
            }
        )
    return rows


def _results(
    study: Mapping[str, Any], runs: pd.DataFrame, summary: pd.DataFrame, pooled: pd.DataFrame
) -> list[dict[str, Any]]:
    rows = []
    tested = summary[summary.metric.isin(study["metrics"])]
    headline = study["metrics"][0]
    share = METRICS[headline].share
    images, kept = images_tested(pooled), converged(runs)
    for (variant, split), group in tested.groupby(["variant", "split"], sort=False):
        by_metric = group.set_index("metric")
        metrics = []
        for metric in study["metrics"]:
            row, is_share = by_metric.loc[metric], METRICS[metric].share
            metrics.append((show(row["mean"], is_share), bounds(row["mean"], row["low"], row["high"], is_share)))
        together = where(pooled, variant=variant, split=split, metric=headline).iloc[0]
        seeds = where(kept, variant=variant, split=split, metric=headline).value
        lost = int(by_metric.diverged[headline])
        rows.append(
            {
                "variant": study["variants"][variant]["label"],
                "split": split,
                "n": len(seeds),
                "diverged": diverged_text(lost, lost + len(seeds)) if lost else "",
                "metrics": metrics,
                "range": f"{show(seeds.min(), share, unit=False)} to {show(seeds.max(), share)}" if len(seeds) else "",
                "pooled": (
                    show(together["value"], share),
                    bounds(together["value"], together["low"], together["high"], share),
                ),
                "images": int(images[variant, split]) or "–",
            }
        )
    return rows


def _divergences(study: Mapping[str, Any], runs: pd.DataFrame) -> list[str]:
    """Which runs diverged, in words: a line for each variant that has some."""
    labels, lines = _labels(study), []
    for variant, lost in divergences(runs).items():
        if lost:
            where_lost = ", ".join(f"seed {seed} in epoch {epoch}" for seed, epoch in lost.items())
            seeds = where(runs, variant=variant).seed.nunique()
            lines.append(f"{labels[variant]}: {diverged_text(len(lost), seeds)} ({where_lost})")
    return lines


def _pairs_left_out(runs: pd.DataFrame, row: Mapping[Hashable, Any]) -> str:
    """What a line of the differences is made without, in words: seeds that diverged in either variant."""
    lost = divergences(runs)
    seeds = [set(where(runs, variant=row[key]).seed) for key in ("variant", "than")]
    common = seeds[0] & seeds[1]
    gone = common & (lost[row["variant"]].keys() | lost[row["than"]].keys())
    return diverged_text(len(gone), len(common)) if gone else ""


def _differences(study: Mapping[str, Any], runs: pd.DataFrame, differences: pd.DataFrame) -> list[dict[str, Any]]:
    rows = []
    for row in differences.to_dict("records"):
        share = METRICS[row["metric"]].share
        numbers = [row["mean"], row["low"], row["high"]]
        mean, low, high = (f"{100 * number:+.2f}" if share else f"{number:+.4g}" for number in numbers)
        rows.append(
            {
                "variant": study["variants"][row["variant"]]["label"],
                "than": study["variants"][row["than"]]["label"],
                "split": row["split"],
                "mean": mean,
                "interval": f"[{low}, {high}]",
                "n": row["n"],
                "diverged": _pairs_left_out(runs, row),
                "told": row["low"] > 0 or row["high"] < 0,
            }
        )
    return rows


def _layers(study: Mapping[str, Any], layers: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {
            "variant": study["variants"][variant]["label"],
            "rows": group[["layer", "kind", "output_shape", "parameters"]].to_numpy().tolist(),
            "parameters": int(group.parameters.sum()),
        }
        for variant, group in layers.groupby("variant", sort=False)
    ]


def _augmentation(change: Mapping[str, Any]) -> str:
    units = {"pixels": "{} px", "degrees": "{:g}°", "zoom": "{:g} zoom", "strength": "{:g}", "fill": "({}s move in)"}
    there = {key: unit for key, unit in units.items() if change.get(key) is not None}
    return " ".join([change["name"], *(unit.format(change[key]) for key, unit in there.items())])


def _kept(packs: Sequence[PackOrigin]) -> str:
    """Which epoch each seed kept, in words; empty where that was no choice."""
    kept = [str(epoch) for pack in packs for epoch in pack.origin["best_epochs"].values()]
    return f"kept epochs, by seed: {', '.join(kept)}" if kept else ""


def _views(variant: Mapping[str, Any]) -> str:
    """What the test images are also seen as, in words; empty if there is nothing."""
    kinds = {"flip": "mirrored", "shift": "moved by a pixel"}
    seen = " and ".join(kinds[kind] for kind in variant["test_views"])
    return f"predictions are averaged over the test image as it is, and {seen}" if seen else ""


def _validation(variant: Mapping[str, Any]) -> str:
    """What the held-out images of a variant decide, in words; empty if there are none."""
    words = []
    if variant["validation_split"]:
        words.append(f"the last {100 * variant['validation_split']:g} % of the training images are held out")
    if variant.get("validation"):
        words.append(f"validated on {variant['validation']}")
    if variant["restore_best_weights"]:
        words.append(f"the epoch with the best {variant['monitor']} is kept")
    if variant["patience"]:
        by = f" by more than {variant['min_delta']:g}" if variant.get("min_delta") else ""
        words.append(f"stopped after {variant['patience']} epochs that were not better{by}")
    if plateau := variant.get("reduce_on_plateau"):
        epochs = f"{plateau['patience']} epochs that were not better by {variant['monitor']}"
        words.append(f"the learning rate is multiplied by {plateau['factor']:g} after {epochs}")
    return "; ".join(words)


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
                "augment": ", ".join(_augmentation(change) for change in variant["augment"]) or "none",
                "remarks": [words for words in (_validation(variant), _kept(packs), _views(variant)) if words],
                "threads": variant["threads"],
                "seconds": pd.Series([s for pack in packs for s in pack.origin["seconds"].values()]).median(),
            }
        )
    return rows


@dataclass(frozen=True)
class StudyTables:
    """The tables of a study, as `evaluation` and `claims` make them."""

    runs: pd.DataFrame
    summary: pd.DataFrame
    pooled: pd.DataFrame
    confusion: pd.DataFrame
    differences: pd.DataFrame
    claims: pd.DataFrame
    layers: pd.DataFrame


def _embedded(item: Print) -> dict[str, str]:
    """A figure as the template takes it."""
    data = base64.b64encode(read_figure(item.file)).decode()
    return {"caption": item.caption, "name": item.name, "data": data}


def study_section(
    name: str,
    study: Mapping[str, Any],
    tables: StudyTables,
    prints: Sequence[Print],
    origins: Sequence[PackOrigin],
    sheets: Sequence[Print] = (),
) -> dict[str, Any]:
    """All that the page says of one study, as the template takes it.

    Args:
        name: of the study.
        study: as `Layout.described` gives it.
        tables: the study's tables.
        prints: the study's figures.
        origins: the study's packs.
        sheets: the figures of its preparation, where the page shows some.
    """
    return {
        "name": name,
        "title": study["title"],
        "description": study["description"],
        "source": study["source"],
        "claims": _claims(study, tables.claims),
        "same_images": study["same_images"],
        "metrics": [METRICS[metric].label for metric in study["metrics"]],
        "headings": [METRICS[metric].heading for metric in study["metrics"]],
        "share": METRICS[study["metrics"][0]].share,
        "of_images": METRICS[study["metrics"][0]].of_images,
        "results": _results(study, tables.runs, tables.summary, tables.pooled),
        "differences": _differences(study, tables.runs, tables.differences),
        "diverged": _divergences(study, tables.runs),
        "confusions": _confusions(study, tables.confusion),
        "layers": _layers(study, tables.layers),
        "recipes": _recipes(study, origins),
        "preparation": [_embedded(item) for item in sheets],
        "figures": [_embedded(item) for item in prints],
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


def _called(label: float, names: Sequence[str]) -> str:
    """The name of a class, or a count as it is."""
    if math.isinf(label):
        return "none"
    return names[int(label)] if names else str(int(label))


def _confusions(study: Mapping[str, Any], confusion: pd.DataFrame) -> list[dict[str, Any]]:
    """Of each variant, the confusion over all seeds on its last test split."""
    tables = []
    for variant, group in confusion[confusion.seed == "all"].groupby("variant", sort=False):
        split = group.split.iloc[-1]
        chosen = group[group.split == split]
        chosen = chosen.assign(predicted=chosen.predicted.astype(float).fillna(math.inf))  # sorted last
        wide = chosen.pivot(index="true", columns="predicted", values="images").fillna(0)
        names = study["classes"]
        columns = [_called(column, names) for column in wide.columns]
        rows = [
            (_called(true, names), [int(count) for count in row])
            for true, row in zip(wide.index, wide.to_numpy(), strict=True)
        ]
        tables.append(
            {"variant": study["variants"][variant]["label"], "split": split, "columns": columns, "rows": rows}
        )
    return tables


def _shown_versions(packages: Mapping[str, str]) -> dict[str, str]:
    return {name: version for name, version in packages.items() if name in ("python", *COMPUTING)}


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
        packages=_distinct([_shown_versions(pack.origin["packages"]) for pack in origins]),
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
            count = f"{row['n']} seed{'' if row['n'] == 1 else 's'}, {row['images']} images"
            count = "; ".join(filter(None, (count if row["n"] else "", row["diverged"])))
            found = f"{section['metrics'][0]} {mean} {between}"
            lines.append(f"  {row['variant']:<{width}}  {row['split']:<{splits}}  {found}  ({count})")
        for claim in section["claims"]:
            tested_on = f" on {claim['split']}" if claim["split"] else ""
            measured = f"{claim['mean']} {claim['interval']}".strip()
            lines.append(
                f"  claimed: {claim['metric']} {claim['claimed']}{tested_on} ({claim['variant']}); "
                f"measured: {measured}; {claim['verdict']}: {claim['reason']}"
            )
    return "\n".join(lines) + "\n"
