"""The paper, against its sources' scripts as a user of Keras would write them (vanilla/), run one after the other.

The processes of such a loop know nothing of each other, so one seed of each is timed, and counted as often as the
workflow trains seeds.
"""

import shlex
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from benchmarks.measure import PYTHON, SNAKEMAKE, STUDIES, Cost, Options, copy_project, cost_of, spread

TITLE = "The paper's studies: the workflow, and plain scripts"
SCRIPTS = Path(__file__).resolve().parent / "vanilla"
SEEDS, QUICK_SEEDS = 5, 2
TOGETHER = "all"  # in place of a study: all of them in one call
BEYOND = "accurate"  # the variant that goes beyond the source, for which there is no script of the source's
COLUMNS = ["variant", "seed", "split", "metric", "value"]  # of what the scripts write


@dataclass(frozen=True)
class Study:
    """A study, as it is measured.

    Attributes:
        dataset: of its images.
        split, metric: shown in the table for both sides.
        variants: that its script takes one at a time; none where it takes no variant.
    """

    dataset: str
    split: str
    metric: str
    variants: tuple[str, ...] = ()

    def script(self, name: str) -> Path:
        """Return the plain script."""
        return SCRIPTS / f"{name.replace('-', '_')}.py"


MEASURED = {
    "dots": Study("dots", "test-large", "exact"),
    "digits": Study("digits", "test", "accuracy"),
    "mnist-dnn": Study("mnist", "test", "accuracy"),
    "mnist-ablation": Study(
        "mnist", "test", "error", ("one-layer", "two-layers", "three-layers", "dropout", "sgd", "sgd-20")
    ),
    "fashion": Study("fashion-mnist", "test", "accuracy"),
}


def measure(scratch: Path, options: Options) -> Iterator[dict[str, Any]]:
    """Per repeat and study, both sides in turn, then all studies in one call.

    Rows: repeat, study, side, variant, quantity (wall_s, cpu_s, peak_mib, or a metric with its split), value. Of the
    side vanilla wall_s and cpu_s are those of one seed; repeats differ in which.
    """
    studies = ("digits",) if options.quick else options.studies
    seeds = QUICK_SEEDS if options.quick else SEEDS
    project = _project(scratch / "project", studies, seeds)
    data = scratch / "data"
    _bring_data(project, data, studies, scratch / "logs")
    for repeat in options.numbers:
        for study in studies:
            sides = [_vanilla, _calotype]
            for side in sides if repeat % 2 == 0 else reversed(sides):  # what comes first may find the machine cooler
                for row in side(study, project, data, repeat, scratch / "run"):
                    yield {"repeat": repeat, "study": study, **row}
                shutil.rmtree(scratch / "run")
        if set(studies) == set(STUDIES):  # of some it would be another call
            for row in _calotype(TOGETHER, project, data, repeat, scratch / "run"):
                yield {"repeat": repeat, "study": TOGETHER, **row}
            shutil.rmtree(scratch / "run")


# ---- Before anything is timed ----------------------------------------------------------------------------------------


def _project(folder: Path, studies: Sequence[str], seeds: int) -> Path:
    """Copy the workflow, with the studies and numbers of seeds that the sources' scripts train."""
    copy_project(folder)
    settings = yaml.safe_load((folder / "config/config.yaml").read_text(encoding="utf-8"))
    settings |= {"studies": [*studies], "paper": [*studies], "seeds": seeds}
    _write_yaml(folder / "config/config.yaml", settings)
    for study in STUDIES:
        file = folder / f"config/studies/{study}.yaml"
        _write_yaml(file, as_the_source(yaml.safe_load(file.read_text(encoding="utf-8"))))
    return folder


def as_the_source(study: dict[str, Any]) -> dict[str, Any]:
    """Return a study without the variant that extends its source, and without its own numbers of seeds."""
    variants = {key: variant for key, variant in study["variants"].items() if key != BEYOND}
    claims = [claim for claim in study.get("claims", []) if BEYOND not in (claim["variant"], claim.get("similar_to"))]
    kept = {key: value for key, value in study.items() if (key, value) != ("feature_maps", BEYOND)}
    for part in (*variants.values(), kept.get("defaults", {})):
        part.pop("seeds", None)
    return kept | {"variants": variants, "claims": claims}


def _write_yaml(path: Path, content: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def _bring_data(project: Path, data: Path, studies: Sequence[str], logs: Path) -> None:
    """Have the project fetch its files and, in a copy of it, draw the dots for the scripts."""
    datasets = {MEASURED[study].dataset for study in studies}
    fetched = [f"data/{dataset}/SHA256SUMS" for dataset in sorted(datasets - {"dots"})]
    if fetched:
        cost_of([str(SNAKEMAKE), "--cores", "1", *fetched], cwd=project, log=logs / "fetch.log")
        shutil.copytree(project / "data", data)
    if "dots" in datasets:
        drawing = shutil.copytree(project, project.with_name("drawing"))
        drawn = ["data/dots/train", "data/dots/test", "data/dots/test-large"]
        cost_of([str(SNAKEMAKE), "--cores", "1", *drawn], cwd=drawing, log=logs / "draw.log")
        shutil.copytree(drawing / "data/dots", data / "dots")
        shutil.rmtree(drawing)


# ---- The two sides ---------------------------------------------------------------------------------------------------


def _vanilla(name: str, project: Path, data: Path, seed: int, run: Path) -> Iterator[dict[str, Any]]:
    """Run the script for one seed, as its user would; for the ablation, a loop over its variants."""
    del project
    study = MEASURED[name]
    run.mkdir()
    command = [str(PYTHON), str(study.script(name)), "--out", "results.csv"]
    if name != "digits":  # which scikit-learn holds
        command.append(str(data / study.dataset))
    loop = f"{shlex.join(command)} --seed {seed}"
    if study.variants:
        loop = f'for variant in {" ".join(study.variants)}; do {loop} --variant "$variant"; done'
    yield from _rows("vanilla", cost_of(["sh", "-ec", loop], cwd=run, log=run / "log.txt"))
    found = pd.read_csv(run / "results.csv", names=COLUMNS)
    means = found.groupby(["variant", "split", "metric"], sort=False)["value"].mean()
    for (variant, split, metric), value in means.items():
        yield {"side": "vanilla", "variant": variant, "quantity": f"{split} {metric}", "value": value}


def _calotype(name: str, project: Path, data: Path, repeat: int, run: Path) -> Iterator[dict[str, Any]]:
    """Run the workflow in a copy of the project that contains only the fetched files."""
    del data, repeat
    shutil.copytree(project, run)
    target = "paper" if name == TOGETHER else name
    yield from _rows("calotype", cost_of([str(SNAKEMAKE), "--cores", "all", target], cwd=run, log=run / "log.txt"))
    if name == TOGETHER:
        return
    summary = pd.read_csv(run / f"results/{name}/summary.csv")
    for row in summary[(summary["metric"] == MEASURED[name].metric) & (summary["split"] != "train")].itertuples():
        yield {
            "side": "calotype",
            "variant": row.variant,
            "quantity": f"{row.split} {row.metric}",
            "value": row.mean,
        }


def _rows(side: str, cost: Cost) -> Iterator[dict[str, Any]]:
    for quantity, value in (("wall_s", cost.wall), ("cpu_s", cost.cpu), ("peak_mib", cost.peak_mib)):
        yield {"side": side, "variant": "", "quantity": quantity, "value": round(value, 2)}


# ---- The table -------------------------------------------------------------------------------------------------------


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """Per study: time, computing and memory of both sides, how often the first fits into the other, and the scores."""
    costs = rows[rows["quantity"].isin(["wall_s", "cpu_s", "peak_mib"])].copy()
    one_seed = (costs["side"] == "vanilla") & (costs["quantity"] != "peak_mib")
    costs.loc[one_seed, "value"] *= SEEDS
    costs = costs.pivot_table(index=["study", "repeat"], columns=["quantity", "side"], values="value")
    found = []
    studies = [study for study in STUDIES if study in rows["study"].unique()]
    for study in studies:
        found.append(_line(study, costs.loc[study], scores=rows[rows["study"] == study]))
    # The scripts know no call for all: their loops one after the other.
    complete = costs.loc[studies].dropna().groupby("repeat").size() == len(studies)
    repeats = complete.index[complete]
    if len(studies) > 1 and len(repeats):
        parts = costs.loc[studies]
        sums = parts.groupby("repeat").sum().loc[repeats]
        largest = parts.groupby("repeat").max().loc[repeats]
        sums["peak_mib"] = largest["peak_mib"]
        found.append(_line(f"all {len(studies)}, one after the other", sums, scores=None))
        if TOGETHER in costs.index:
            whole = costs.loc[TOGETHER].drop(columns="vanilla", level="side", errors="ignore")
            loops = sums.drop(columns="calotype", level="side")
            found.append(_line(f"all {len(studies)} in one call", whole.join(loops, how="inner"), scores=None))
    return pd.DataFrame(found)


def _line(label: str, costs: pd.DataFrame, scores: pd.DataFrame | None) -> dict[str, str]:
    line = {"study": label}
    for quantity, unit in (("wall_s", "s"), ("cpu_s", "s of CPU"), ("peak_mib", "MiB")):
        for side in ("vanilla", "calotype"):
            line[f"{side}, {unit}"] = spread(costs.get((quantity, side), []))
        if quantity != "peak_mib" and (quantity, "vanilla") in costs and (quantity, "calotype") in costs:
            line[f"ratio of {unit}"] = spread(costs[(quantity, "vanilla")] / costs[(quantity, "calotype")], digits=2)
    for side in ("vanilla", "calotype"):
        line[f"test, {side}"] = "–" if scores is None else _scores(label, scores[scores["side"] == side])
    return line


def _scores(study: str, rows: pd.DataFrame) -> str:
    """Return the mean score of each variant in percent; only the scripts use another seed in each repeat."""
    measured = MEASURED[study]
    chosen = rows[rows["quantity"] == f"{measured.split} {measured.metric}"]
    means = chosen.groupby("variant", sort=False)["value"].mean()
    order = [variant for variant in (*measured.variants, *means.index) if variant in means.index]
    shown = ", ".join(f"{100 * means[variant]:.2f}" for variant in dict.fromkeys(order))
    return f"{measured.metric} {shown} %" if shown else "–"
