"""Write a Slurm profile: a copy of slurm/config.yaml with some lines changed; its comments stay."""

import re
import textwrap
from collections.abc import Sequence
from pathlib import Path

from calotype.planning.cluster_limits import Line
from calotype.util.errors import CalotypeError
from calotype.util.files import write_text

WIDTH = 120  # columns
NO_PARTITION = "the page above gives the reason for each partition; ask the administrators."


def check_new(folder: Path) -> None:
    """Raise a CalotypeError if a folder has a profile, or is a file."""
    if folder.is_file():
        raise CalotypeError(f"write: {folder}: is a file, not a folder.", "choose another name, such as my-slurm.")
    if found := sorted([*folder.glob("config*.yaml"), *folder.glob("*.sh")]):
        problem = f"write: {found[0]} already exists; nothing was written."
        raise CalotypeError(problem, "choose another name, such as write=my-slurm-2, or delete the file yourself.")


def write_profile(
    folder: Path, source: Path, lines: Sequence[Line], head: Sequence[str] = (), prefix: str = ""
) -> Path:
    """Write a profile and its scripts into a new folder, and return its config file.

    Args:
        source: the config file of the profile to copy.
        head: options of sbatch for the scripts.
        prefix: of the names of rules in a module.

    Raises:
        CalotypeError: the folder has a profile or cannot be written, or there is no line to change.
    """
    check_new(folder)
    if not lines:
        raise CalotypeError("write: no partition starts your jobs, so there is no profile to write.", NO_PARTITION)
    text = with_lines(_renamed(source, folder), lines)
    before, section, after = re.split(r"(?m)(?=^set-resources:|^group-components:)", text)
    for script in source.parent.glob("*.sh"):
        write_text(_with_options(_renamed(script, folder), head), folder / script.name)
    write_text(before + re.sub(r"(?m)^  (\w+):", rf"  {prefix}\1:", section) + after, folder / source.name)
    return folder / source.name


def _renamed(file: Path, folder: Path) -> str:
    """Return the text of a file with the name of another profile in its calls."""
    return re.sub(r"(--profile |sbatch )slurm\b", rf"\1{folder}", file.read_text(encoding="utf-8"))


def _with_options(script: str, options: Sequence[str]) -> str:
    """Return a script with options of sbatch in place of its own."""
    for option in options:
        line = f"#SBATCH {option}"
        script, number = re.subn(rf"(?m)^##?SBATCH {option.partition('=')[0]}=.*$", line, script)
        script = script if number else script.replace("#SBATCH", f"{line}\n#SBATCH", 1)
    return script


def with_lines(text: str, lines: Sequence[Line]) -> str:
    """Return the text of a profile with changed lines, each below a comment with its reason."""
    found = text.splitlines()
    for line in lines:
        number, is_there = _number_of(found, line)
        before, indent = found[number] if is_there else "", "  " * len(line.place)
        is_comment = before.lstrip().startswith("#")
        if line.value is None:
            changed = [f"{indent}# {before.strip()}"] if before and not is_comment else []
        else:
            changed = [f"{indent}{written(line)}"] if before.strip() != written(line) else []
        if changed:
            found[number : number + is_there] = [*commented(line.reason, indent, WIDTH), *changed]
    return "\n".join(found) + "\n"


def written(line: Line) -> str:
    """Return a line as the profile contains it."""
    return f"- {line.key}={line.value}" if line.place == ("group-components",) else f"{line.key}: {line.value}"


def commented(text: str, indent: str, width: int) -> list[str]:
    """Return a text as lines of comment."""
    sign = f"{indent}# "
    return textwrap.wrap(text, width, initial_indent=sign, subsequent_indent=sign, break_on_hyphens=False)


def _number_of(found: Sequence[str], line: Line) -> tuple[int, bool]:
    """Return the number of the line with a key in its place, or else of a comment with it, and if there is one.

    Without one, it is the number of the first line of the place.
    """
    start, stop = 0, len(found)
    for depth, name in enumerate(line.place):
        start = next(n for n in range(start, stop) if re.match(rf"{'  ' * depth}{name}:", found[n])) + 1
        after = (n for n in range(start, stop) if re.match(rf" {{0,{2 * depth}}}[^ #]", found[n]))
        stop = next(after, stop)
    for sign in ("", "# "):
        pattern = rf"{'  ' * len(line.place)}{sign}(- )?{re.escape(line.key)}[:=]"
        for n in range(start, stop):
            if re.match(pattern, found[n]):
                return n, True
    return start, False
