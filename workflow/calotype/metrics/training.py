"""Metrics that training gives: they are measured on no test split."""

from calotype.metrics.base import Metric

TRAINING_ACCURACY = Metric("training_accuracy", "training accuracy", share=True, of_images=True, recorded="accuracy")
PARAMETERS = Metric("parameters", "parameters", of_model=True)
