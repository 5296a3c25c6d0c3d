"""The first screen: one sentence of result, the numbers of all studies, and what diverged."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from calotype.evaluation.claims import WEAK
from calotype.evaluation.number_format import claim_text
from calotype.evaluation.study_results import StudyResults
from calotype.report.measured import Number, Order
from calotype.report.strip import Scale, scale_of, strip


def _row(number: Number, identifier: str, head: bool, scale: Scale | None, labels: Mapping[str, str]) -> dict[str, Any]:
    mean, between = number.texts
    claimed = [claim_text(claim, labels) for claim in number.claims]
    seeds = f"{len(number.seeds)} seed{'' if len(number.seeds) == 1 else 's'}" if number.seeds else ""
    return {
        "id": identifier,
        "label": number.label,
        "what": number.name,
        "split": number.split,
        "images": number.images if number.metric.tested else 0,
        "mean": mean,
        "interval": between,
        "seeds": seeds,
        "lost": number.lost,
        "strip": strip(number, scale, claimed, head),
        "claims": [
            {"claimed": text, "verdict": claim["verdict"], "reason": claim["reason"]}
            for text, claim in zip(claimed, number.claims, strict=True)
        ],
    }


def rows(found: Sequence[Number], results: StudyResults, identifiers: Sequence[str], ordered: Order) -> dict[str, Any]:
    """Return the rows of a study, and a text about those that are left out of the first screen."""
    kept = {*ordered.prominent}
    by_metric = {number.metric.name: scale_of([n for n in found if n.metric == number.metric]) for number in found}
    begun: set[str] = set()
    shown = []
    for number, identifier in zip(found, identifiers, strict=True):
        if not number.claims and number.variant not in kept:
            continue
        scale, name = by_metric[number.metric.name], number.metric.name
        head = bool(scale and number.seeds) and name not in begun
        begun |= {name} if head else set()
        shown.append(_row(number, identifier, head, scale, results.labels))
    hidden = len(results.labels) - len({number.variant for number in found if number.claims or number.variant in kept})
    why = f"the best {len(kept)} by {ordered.score}" if ordered.score else f"the first {len(kept)} of the config"
    counted = f"{hidden} further variant{'' if hidden == 1 else 's'} {'is' if hidden == 1 else 'are'} below"
    left_out = f"{counted}. This table has {why}, and those with published numbers." if hidden else ""
    return {"rows": shown, "left_out": left_out}


def _measured(number: Number) -> str:
    return " ".join(filter(None, [*number.texts, f"({number.label})"]))


def result_text(found: Sequence[Number], results: StudyResults, ordered: Order) -> str:
    """Return the headline of a study on its last test split: of the variant chosen by validation images, or of all."""
    own = {
        number.variant: number
        for number in found
        if (number.metric.name, number.split) == (results.metric, results.tests[-1]) and number.seeds
    }
    if not own:
        return "no run has a value"
    lowest, highest = (pick(own.values(), key=lambda number: number.mean) for pick in (min, max))
    what, several = f"{lowest.name} on {lowest.split}", len(results.labels)
    if ordered.score and several > 1:
        chosen = own[ordered.variants[0]]
        return f"{what} {_measured(chosen)}, chosen of {several} variants by {ordered.score}"
    if len(own) == 1:
        return f"{what} {_measured(lowest)}"
    return f"{what} of {several} variants: {_measured(lowest)} to {_measured(highest)}"


def verdicts_text(sections: Sequence[Mapping[str, Any]]) -> str:
    """Return how many published numbers agree, as one sentence."""
    count = Counter(claim["verdict"] for section in sections for claim in section["claims"])
    weak, total = count["agrees" + WEAK], sum(count.values())
    agree = count["agrees"] + weak
    if not total:
        return "no published number to compare with"
    if total == 1:
        return f"the published number {next(iter(count)).replace('open', 'is open')}"
    if agree == total:
        return f"all {total} published numbers agree{f', {weak} of them weakly' if weak else ''}"
    said = f"{agree} of {total} published numbers agree{f' ({weak} weakly)' if weak else ''}"
    differ, undecided = count["differs"], count["open"]
    said += f", {differ} differ{'s' * (differ == 1)}" if differ else ""
    said += f", {undecided} {'is' if undecided == 1 else 'are'} open" if undecided else ""
    return said


def headline(sections: Sequence[Mapping[str, Any]]) -> str:
    """Return the result of the page in one sentence."""
    if not sections:
        return "No study"
    name = sections[0]["title"] if len(sections) == 1 else f"{len(sections)} studies"
    if not any(section["claims"] for section in sections):
        return f"{name}: {sections[0]['best']}" if len(sections) == 1 else f"{name}, without published numbers"
    return f"{name}: {verdicts_text(sections)}"
