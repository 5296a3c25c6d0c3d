"""All metrics by name."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from calotype.metrics.base import Metric
from calotype.metrics.binary import BINARY
from calotype.metrics.classes import CLASSES
from calotype.metrics.counts import COUNTS
from calotype.metrics.numbers import NUMBERS
from calotype.metrics.training import PARAMETERS, TRAINING_ACCURACY

METRICS: Mapping[str, Metric] = {
    metric.name: metric for metric in (*COUNTS, *NUMBERS, *CLASSES, *BINARY, TRAINING_ACCURACY, PARAMETERS)
}
if TYPE_CHECKING:
    MetricName = str
else:
    MetricName = Literal[*METRICS]
