"""The environments install the packages of pyproject.toml, the same everywhere, and no others."""

import ast
import importlib.util
import re
import sys
import tomllib
from collections import defaultdict
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
ENVS = ROOT / "envs"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def load_lock():
    """envs/lock.py as a module."""
    spec = importlib.util.spec_from_file_location("lock", ENVS / "lock.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


LOCK = load_lock()
EXTRAS = {"cpu": ["cpu"], "gpu": ["gpu"], "dev": ["cpu", "dev"]}


def text(name):
    return (ENVS / name).read_text(encoding="utf-8")


def entries(name):
    """Return the entries of a requirements file: each requirement with its hashes."""
    found = []
    for line in text(f"{name}.txt").splitlines():
        if line.startswith("    --hash="):
            found[-1][1].append(line.strip().removesuffix(" \\"))
        elif line and not line.lstrip().startswith("#"):
            found.append((Requirement(line.removesuffix("\\").strip()), []))
    return found


def pinned(name):
    """By package: the versions that a requirements file pins, each with its marker."""
    found = defaultdict(set)
    for requirement, _ in entries(name):
        (specifier,) = requirement.specifier
        assert specifier.operator == "==", f"{name}.txt: {requirement} is no pin"
        found[canonicalize_name(requirement.name)].add((specifier.version, str(requirement.marker or "")))
    return found


def direct(name):
    """Return the requirements of an environment in pyproject.toml."""
    wanted = [*PROJECT["dependencies"]]
    for extra in EXTRAS[name]:
        wanted += PROJECT["optional-dependencies"][extra]
    return [Requirement(requirement) for requirement in wanted]


@pytest.mark.parametrize("name", EXTRAS)
def test_every_direct_dependency_is_pinned_within_its_range(name):
    pins = pinned(name)
    for requirement in direct(name):
        versions = pins.get(canonicalize_name(requirement.name))
        assert versions, f"{name}.txt lacks {requirement}; run python envs/lock.py"
        for version, _ in versions:
            assert requirement.specifier.contains(Version(version)), f"{name}.txt: {version} is not {requirement}"


@pytest.mark.parametrize("other", ["gpu", "dev"])
def test_all_environments_have_the_same_versions(other):
    """A result on a GPU node and one on a laptop come from the same packages."""
    here, there = pinned("cpu"), pinned(other)
    shared = here.keys() & there.keys()
    assert len(shared) > 40
    assert versions("cpu", shared) == versions(other, shared)
    assert {name for name in shared if here[name] != there[name]} <= MARKED


MARKED = {"tensorflow"}  # asked for on other machines only, where there is a CPU build of its own


def versions(name, packages):
    found = pinned(name)
    return {package: {version for version, _ in found[package]} for package in packages}


def test_a_tested_environment_is_the_one_that_users_get():
    assert set(pinned("cpu")) <= set(pinned("dev"))


def test_tensorflow_is_the_same_version_on_cpu_and_gpu():
    found = [pinned(name)[package] for name in ("cpu", "dev") for package in ("tensorflow", "tensorflow-cpu")]
    found.append(pinned("gpu")["tensorflow"])
    assert all(len(pins) == 1 for pins in found)
    assert len({version for pins in found for version, _ in pins}) == 1
    assert "tensorflow-cpu" not in pinned("gpu")
    assert any(name.startswith("nvidia-") for name in pinned("gpu"))


@pytest.mark.parametrize("name", ["cpu", "dev"])
@pytest.mark.parametrize(
    ("system", "machine", "expected"),
    [
        ("linux", "x86_64", "tensorflow-cpu"),
        ("linux", "aarch64", "tensorflow"),
        ("darwin", "arm64", "tensorflow"),
        ("darwin", "x86_64", "tensorflow"),
    ],
)
def test_every_machine_gets_one_tensorflow(name, system, machine, expected):
    place = {"sys_platform": system, "platform_machine": machine}
    for part in ([requirement for requirement, _ in entries(name)], direct(name)):
        found = [r.name for r in part if r.name.startswith("tensorflow") and (not r.marker or r.marker.evaluate(place))]
        assert found == [expected]


@pytest.mark.parametrize("name", EXTRAS)
def test_a_package_that_was_tampered_with_is_refused(name):
    """pip checks hashes when every entry has one."""
    found = entries(name)
    assert len(found) > 40
    for requirement, hashes in found:
        assert hashes, f"{name}.txt: {requirement} has no hash"
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", value) for value in hashes)


@pytest.mark.parametrize("name", EXTRAS)
def test_no_package_is_fetched_from_anywhere_but_the_users_index(name):
    assert not [requirement for requirement, _ in entries(name) if requirement.url]
    assert not re.search(r"^\s*(-i|-f|-e|--index|--extra-index|--find-links|--trusted)", text(f"{name}.txt"), re.M)


def test_no_file_of_the_environments_names_a_host():
    files = [path for path in ENVS.iterdir() if path.is_file()]
    assert len(files) >= 9
    for path in files:
        found = re.search(r"\w+://\S+|[\w.-]+\.(?:org|com|io|net|dev)\b(?!\.)", path.read_text(encoding="utf-8"))
        assert found is None, f"{path.name}: {found[0]}"


@pytest.mark.parametrize("name", ["cpu", "gpu"])
def test_conda_installs_the_same_pins(name):
    assert text(f"{name}.yaml") == LOCK.conda_file(name, text(f"{name}.txt")), "run python envs/lock.py"
    conda = yaml.safe_load(text(f"{name}.yaml"))
    (pip,) = [entry["pip"] for entry in conda["dependencies"] if isinstance(entry, dict)]
    assert {str(Requirement(pin)) for pin in pip} == {str(requirement) for requirement, _ in entries(name)}
    assert f"python ={LOCK.PYTHON}" in conda["dependencies"]


@pytest.mark.parametrize("name", ["cpu", "gpu"])
def test_apptainer_installs_the_same_pins(name):
    definition = text(f"{name}.def")
    header, *sections = re.split(r"^%(\w+).*\n", definition, flags=re.M)
    parts = dict(zip(sections[::2], sections[1::2], strict=True))
    source, target = parts["files"].split()
    assert ROOT / source == ENVS / f"{name}.txt"
    (install,) = re.findall(r"^\s*(?:python3? -m )?pip install .*$", parts["post"], re.M)
    assert re.search(rf"(?:-r|--requirement)[ =]{re.escape(target)}$", install.strip())
    assert "--require-hashes" in install
    image = re.search(r"^From: python:(\d+\.\d+)", header, re.M)
    assert image, "the image must be one of Python, with its version"
    assert image[1] == LOCK.PYTHON


def test_containers_and_conda_take_a_python_that_the_project_supports():
    assert SpecifierSet(PROJECT["requires-python"]).contains(Version(f"{LOCK.PYTHON}.0"))
    assert not SpecifierSet(PROJECT["requires-python"]).contains(Version("3.10.99")), "pins are made for the oldest"


def test_the_workflow_asks_for_the_snakemake_that_is_pinned():
    wanted = re.search(r'min_version\("([\d.]+)"\)', (ROOT / "Snakefile").read_text(encoding="utf-8"))[1]
    ((version, _),) = pinned("cpu")["snakemake"]
    assert Version(version) >= Version(wanted)
    (declared,) = [requirement for requirement in direct("cpu") if requirement.name == "snakemake"]
    assert str(declared.specifier) == f">={wanted}"


def test_every_package_that_the_code_imports_is_a_direct_dependency():
    """A transitive dependency may disappear with its parent."""
    packages = {"cv2": "opencv-python-headless", "yaml": "pyyaml", "tensorflow": "tensorflow-cpu"}
    packages |= {"sklearn": "scikit-learn", "PIL": "pillow"}
    declared = {canonicalize_name(requirement.name) for requirement in direct("dev")}
    for path in sorted((ROOT / "workflow").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [name.name for name in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module]
            else:
                continue
            for top in {name.split(".")[0] for name in names} - sys.stdlib_module_names - {"calotype"}:
                assert packages.get(top, top) in declared, f"{path.name} imports {top}"
