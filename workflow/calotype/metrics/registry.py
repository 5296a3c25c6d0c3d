"""All metrics by name."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from calotype.metrics.base import PARAMETERS, TRAINING_ACCURACY, Metric
from calotype.metrics.classes import CLASSES
from calotype.metrics.numbers import COUNTS, NUMBERS

METRICS: Mapping[str, Metric] = {
    metric.name: metric for metric in (*COUNTS, *NUMBERS, *CLASSES, TRAINING_ACCURACY, PARAMETERS)
}
if TYPE_CHECKING:
    MetricName = str
else:
    MetricName = Literal[*METRICS]
