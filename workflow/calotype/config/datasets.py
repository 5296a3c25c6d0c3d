"""All types of datasets, by source."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Union

from pydantic import Field

from calotype.config import dataset_arrays, dataset_drawn, dataset_fetched, dataset_images
from calotype.config.dataset_base import BaseDataset
from calotype.util.typed import by_name

MODULES = (dataset_drawn, dataset_fetched, dataset_images, dataset_arrays)
DATASETS: Mapping[str, type[BaseDataset]] = by_name(MODULES, BaseDataset)  # type: ignore[type-abstract]

if TYPE_CHECKING:
    Dataset = BaseDataset
else:
    Dataset = Annotated[Union[*DATASETS.values()], Field(discriminator="source")]
