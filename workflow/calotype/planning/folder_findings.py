"""Lines of `new_study` about folders and files: nested folders, links, formats that are not read, other folders."""

import re

from calotype.data.unread_formats import conversion, counted
from calotype.planning.folder_labels import FolderLabels
from calotype.planning.folder_scan import FolderScan
from calotype.planning.label_columns import typed
from calotype.util.yaml_text import quoted

SHOWN = 5  # names in a line
# A name that says of an image that it belongs to another one: plant-1_mask.png to plant-1.png.
BESIDE = re.compile(
    r"(.+?)[ _.-]+(masks?|seg|segmentation|gt|annotated|annotation|overlay|thumb|thumbnail|preview|copy)[ _-]?\d*",
    re.IGNORECASE,
)


def _some(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + ", ..." * (len(names) > SHOWN)


def nested_labels(found: FolderLabels) -> list[str]:
    """Return the lines about the labels of nested folders: the choice, and the alternative."""
    example = f"`{found.labels[found.nested]}` in {found.nested}"
    other = "last" if found.class_folder == "first" else "first"
    instead = f"; or {typed('class_folder', other)}: {_some(found.instead)}" if found.instead else ""
    lines = [f"  labels: the {found.class_folder} folder in the path of each image, such as {example}{instead}"]
    if found.unused:
        names = ", ".join(found.unused)
        lines.append(f"  not used: folders named as splits ({names}), because they are not above the classes")
    return lines


def folder_keys(seen: FolderScan) -> list[str]:
    """Return the keys of the entry for nested folders and links."""
    lines = []
    if seen.folders and seen.folders.nested:
        names = [quoted(name) for name in seen.folders.instead]
        other = "last" if seen.folders.class_folder == "first" else "first"
        comment = f"   # {other}: {_some(names)}" if names else ""
        lines.append(f"  class_folder: {seen.folders.class_folder}{comment}")
    if seen.files.linked:
        lines.append(f"  follow_links: true   # {len(seen.files.linked)} file(s) are reached by links")
    return lines


def _beside(images: list[str]) -> list[str]:
    """Return the images whose names say that they are masks, previews or copies of others."""
    stems = {name: name.rpartition(".")[0] for name in images}
    known = {*stems.values()}
    return [name for name, stem in stems.items() if (found := BESIDE.fullmatch(stem)) and found[1] in known]


def file_lines(seen: FolderScan) -> list[str]:
    """Return lines about images that are not used, and about links."""
    files, lines = seen.files, []
    if files.formats:
        at = -1 if seen.folders and seen.folders.class_folder == "last" else 1 if seen.splits else 0

        def class_of(path: str) -> str:
            above = path.split("/")[:-1]
            return above[at] if seen.folders and len(above) > max(at, 0) else ""

        lines.append(f"  not read: {counted(files.formats, class_of)}; {conversion(files.formats)}")
    if beside := _beside(files.images):
        which = f"{len(beside):,} image(s), such as {beside[0]}"
        lines.append(f"  named like others: {which}, may be masks, previews or copies; if so, move them away")
    if files.linked:
        reached = f"{len(files.linked)} file(s) are reached by links, such as {files.linked[0]}"
        lines.append(f"  links: {reached}; `follow_links: true` in the entry follows them")
    if files.hidden:
        names = [f"{name} ({number:,})" for name, number in files.hidden.items()]
        lines.append(f"  ignored: images in hidden or system folders: {_some(names)}")
    if seen.folders and files.empty:
        lines.append(f"  empty: folders without images: {_some(files.empty)}")
    if seen.folders and seen.folders.spellings:
        lines.append(f"  one class: folders with two Unicode forms of one name: {_some(seen.folders.spellings)}")
    return lines
