"""Files of a folder for `new_study`: images, links, formats that are not read, and folders without images."""

import collections
import os
from dataclasses import dataclass, field
from pathlib import Path

from calotype.data.image_file import SUFFIXES
from calotype.data.unread_formats import image_formats
from calotype.util.files import files_below, is_hidden


@dataclass
class FolderFiles:
    """Files of a folder, named by their paths from it; sorted."""

    images: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)  # all other files
    formats: dict[str, str] = field(default_factory=dict)  # format of those that are images, but not read
    linked: list[str] = field(default_factory=list)  # files for which `follow_links` is needed
    empty: list[str] = field(default_factory=list)  # folders without any image
    hidden: dict[str, int] = field(default_factory=dict)  # number of images in hidden folders, by name


def find_files(folder: Path) -> FolderFiles:
    """Find the files of a folder, also through links."""
    names = sorted(Path(os.path.relpath(file, folder)).as_posix() for file in files_below(folder, follow=True))
    images = [name for name in names if _is_image(name)]
    others = sorted({*names} - {*images})
    formats = image_formats(folder, others)
    empty, hidden = _other_folders(folder, [*images, *formats])
    return FolderFiles(images, others, formats, _linked(folder, names), empty, hidden)


def _is_image(name: str) -> bool:
    return Path(name).suffix.lower() in SUFFIXES


def _linked(folder: Path, names: list[str]) -> list[str]:
    """Return the files in linked folders, and the links to files outside."""
    home = os.path.realpath(folder)
    real = {above: os.path.realpath(folder / above) for above in {os.path.dirname(name) for name in names}}

    def needs_key(name: str) -> bool:
        above = os.path.dirname(name)
        if real[above] != os.path.normpath(os.path.join(home, above)):
            return True
        file = folder / name
        return file.is_symlink() and file.exists() and not Path(os.path.realpath(file)).is_relative_to(home)

    return [name for name in names if needs_key(name)]


def _other_folders(folder: Path, images: list[str]) -> tuple[list[str], dict[str, int]]:
    """Return the folders without images, and the number of images in hidden folders by name."""
    used = {parent.as_posix() for name in images for parent in Path(name).parents}
    empty: list[str] = []
    hidden: collections.Counter[str] = collections.Counter()
    for where, folders, _ in os.walk(folder):
        for name in filter(is_hidden, folders):
            files = (file for _, _, files in os.walk(os.path.join(where, name)) for file in files)
            hidden[name] += sum(_is_image(file) and not file.startswith("._") for file in files)
        paths = {name: Path(os.path.relpath(os.path.join(where, name), folder)).as_posix() for name in folders}
        empty += sorted(path for name, path in paths.items() if not is_hidden(name) and path not in used)
        folders[:] = sorted(name for name, path in paths.items() if path in used and not is_hidden(name))
    return empty, {name: number for name, number in sorted(hidden.items()) if number}
