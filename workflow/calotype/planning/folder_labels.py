"""Labels and splits of `new_study` from the names of folders."""

import collections
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from calotype.data.catalogue_common import spelled
from calotype.planning.label_columns import Refused, in_order, split_name, typed

ClassFolder = Literal["first", "last"]


@dataclass
class FolderLabels:
    """Labels from the names of folders."""

    labels: dict[str, str]  # by image
    splits: dict[str, str] = field(default_factory=dict)  # folder of each split
    class_folder: ClassFolder = "first"
    instead: list[str] = field(default_factory=list)  # classes that the other folder of nested ones would give
    nested: str = ""  # an image in nested folders, if there is one
    unused: list[str] = field(default_factory=list)  # names of splits that are below the classes
    spellings: list[str] = field(default_factory=list)  # classes whose folders have several Unicode forms


def labels_of_folders(folder: Path, paths: Sequence[str], asked: ClassFolder | None) -> FolderLabels | Refused:
    """Take labels from the names of folders; or return the reason why that is impossible, for an error.

    Args:
        folder: of the images.
        paths: of the images in it.
        asked: choice of the user. Default: the first folder; the last one if the first is the same for all images.
    """
    if outside := [path for path in paths if "/" not in path]:
        return Refused(
            f"must have a folder for each class, or a table of labels; see {outside[0]}",
            f"sort the images into folders, as in {folder}/<class>/<image>.png; or add a CSV file with columns image "
            "and label; or name the folder that contains the folders of the classes.",
        )
    tops = sorted({path.split("/")[0] for path in paths})
    known = {top: name for top in tops if (name := split_name(top))}
    splits: dict[str, str] = {}
    if len({*known.values()}) > 1:
        names = ", ".join(known)
        if others := [top for top in tops if top not in known]:
            problem = f"folders are named as splits ({names}), and others are not: {', '.join(others[:3])}"
            return Refused(problem, "name them train, validation and test, or move the others away.")
        if len({*known.values()}) < len(tops):
            return Refused(f"several folders are named as one split: {names}", "join or rename them.")
        if shallow := [path for path in paths if path.count("/") < 2]:
            problem = f"folders are named as splits ({names}), and have no folders of classes; see {shallow[0]}"
            return Refused(
                problem, "sort the images into folders of classes, add a table of labels, or name one folder."
            )
        splits = in_order({name: top for top, name in known.items()})
    inner = {path: path.split("/")[1 if splits else 0 : -1] for path in paths}
    below = sorted({name for names in inner.values() for name in names[1:] if split_name(name)})
    unused = below if len({*map(split_name, below)}) > 1 else []
    if unused and len(tops) == 1:
        where = (folder / tops[0]).as_posix()
        return Refused(f"the folders of the splits are in {where}", f"type {typed('images', where)}.")
    raw: dict[ClassFolder, dict[str, str]] = {
        "first": {path: names[0] for path, names in inner.items()},
        "last": {path: names[-1] for path, names in inner.items()},
    }
    classes = {level: sorted({*map(spelled, names.values())}) for level, names in raw.items()}
    all_nested = all(len(names) > 1 for names in inner.values())
    chosen = asked or ("last" if len(classes["first"]) < 2 and all_nested else "first")
    other: ClassFolder = "last" if chosen == "first" else "first"
    possible = classes[other] != classes[chosen] and len(classes[other]) > 1 and not {*classes[other]} <= {*unused}
    forms = collections.Counter(map(spelled, {*raw[chosen].values()}))
    return FolderLabels(
        {path: spelled(name) for path, name in raw[chosen].items()},
        splits,
        chosen,
        classes[other] if possible else [],
        next((os.path.normpath(path) for path, names in inner.items() if len(names) > 1), ""),
        unused,
        sorted(name for name, number in forms.items() if number > 1),
    )
