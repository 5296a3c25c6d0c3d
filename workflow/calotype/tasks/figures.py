"""The figures of a study: one line each. A new figure is a line here, a function and workflow/report/<name>.rst."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

# Conditions of figures: the study has two classes, an example image, a variant with feature maps, a grid, or a grid of
# several settings.
TWO_CLASSES, EXAMPLE, FEATURE_MAPS = "two_classes", "example", "feature_maps"
GRID, SEVERAL_SETTINGS = "grid", "several_settings"


@dataclass(frozen=True)
class FigureEntry:
    """A figure of a study, or of each variant of a study."""

    name: str  # of its caption, workflow/report/<name>.rst, and, with dashes instead of underscores, of its file
    function: str  # `module:function` in calotype.figures; takes a `StudyResults`, and a variant if `per_variant`
    label: str = ""  # in Snakemake's report
    tasks: tuple[str, ...] = ()  # of the studies that have it; empty: all
    condition: str = ""  # another requirement on the study
    per_variant: bool = False

    @property
    def stem(self) -> str:
        """Name of its file without suffix, or of its folder."""
        return self.name.replace("_", "-")

    def plain(self) -> dict[str, Any]:
        """Return the fields that the plotting job needs, as plain data."""
        return {"name": self.name, "function": self.function, "per_variant": self.per_variant}


# In the order of the report.
FIGURES = (
    FigureEntry("grid_effects", "grid_effects:grid_effects", "Means over each setting", condition=GRID),
    FigureEntry("grid_pairs", "grid_pairs:grid_pairs", "Pairs of settings", condition=SEVERAL_SETTINGS),
    FigureEntry("predicted_against_true", "count:predicted_against_true", "Predicted against true", ("count",)),
    FigureEntry("agreement", "agreement:agreement", "Agreement", ("regress",)),
    FigureEntry("accuracy_by_count", "accuracy:accuracy_by_label", "Accuracy by count", ("count",)),
    FigureEntry("seeds", "seeds:seeds", "Every seed"),
    FigureEntry("accuracy_by_class", "accuracy:accuracy_by_label", "Accuracy by class", ("classify",)),
    FigureEntry("training_curves", "training_curves:training_curves", "Training curves"),
    FigureEntry("calibration_curves", "calibration:calibration_curves", "Calibration", ("classify",)),
    FigureEntry("roc_curves", "binary_curves:roc_curves", "ROC", ("classify",), TWO_CLASSES),
    FigureEntry(
        "precision_recall_curves", "binary_curves:precision_recall_curves", "Precision and recall", ("classify",),
        TWO_CLASSES,
    ),
    FigureEntry("example", "classify:example", "Example", ("classify",), EXAMPLE),
    FigureEntry("feature_maps", "classify:feature_maps", "Feature maps", ("classify",), FEATURE_MAPS),
    FigureEntry("contact_sheets", "count:contact_sheets", "Contact sheet", ("count",), per_variant=True),
    FigureEntry(
        "confusion_matrices", "confusion:confusion_matrices", "Confusion", ("count", "classify"), per_variant=True
    ),
    FigureEntry("most_confident_errors", "errors:most_confident_errors", "Errors", per_variant=True),
)  # fmt: skip


def figures_of(task: str, conditions: Collection[str]) -> list[FigureEntry]:
    """List the figures of a study by its task and the conditions that it meets."""
    return [
        figure
        for figure in FIGURES
        if (not figure.tasks or task in figure.tasks) and (not figure.condition or figure.condition in conditions)
    ]
