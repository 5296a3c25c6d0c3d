"""A download that was cut off resumes where it ended, and never joins two files."""

import shutil
import signal
import socket
import threading
import time

import pytest
from unit.mirrors import CONTENTS, IMAGES, LABELS, Place, checksum, found, part, silence, whole

from calotype.fetch.fetch import fetch
from calotype.fetch.state import Limits


def reset(handler, content):
    """Send the first half, then reset the connection."""
    body = handler.begin(content)
    handler.wfile.write(body[: len(body) // 2])
    handler.wfile.flush()
    time.sleep(0.1)  # the data should arrive
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    handler.connection.close()
    handler.close_connection = True


def interrupt_when(arrived):
    """Send the first half; once it has arrived, send the SIGINT of Ctrl-C."""

    def answer(handler, content):
        body = handler.begin(content)
        handler.wfile.write(body[: len(body) // 2])
        while not arrived():
            time.sleep(0.005)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        silence(handler, content)

    return answer


@pytest.mark.parametrize("way", [part(), reset])
def test_a_download_that_is_cut_off_resumes_where_it_was(place, server, way):
    server.put(CONTENTS)
    server.answers("images.gz", way, whole)
    place.fetch({"url": server.url})
    first, second = server.requests("images.gz")
    assert first is None
    assert second.startswith("bytes=")


def test_a_download_that_is_always_cut_off_is_named_and_resumes_at_the_next_call(place, server):
    server.put(CONTENTS)
    server.answers("images.gz", part(0.3))
    message = place.refused({"url": server.url})
    assert f"  {server.url}: the connection closed before the end of the file (images.gz)\n" in message
    (left,) = place.unfinished()
    assert left.name.startswith("images.")
    server.answers("images.gz", whole)
    place.fetch({"url": server.url})
    assert int(server.requests("images.gz")[-1].removeprefix("bytes=").removesuffix("-")) > 300_000


@pytest.mark.parametrize(("ranges", "tags"), [("no", True), ("yes", False), ("elsewhere", True), ("gone", True)])
def test_a_server_that_cannot_resume_sends_the_whole_file_again(place, server, ranges, tags):
    server.put(CONTENTS)
    server.ranges, server.tags = ranges, tags
    server.answers("images.gz", part(), whole)
    place.fetch({"url": server.url})
    anew = server.requests("images.gz")[1:]
    assert None in anew or ranges == "no"


@pytest.mark.parametrize("ranges", ["yes", "always"])
def test_a_file_that_changed_meanwhile_is_not_pieced_together_from_two(place, server, ranges):
    """The server may notice the change, or it may continue in the middle of another file."""
    server.put({"images": IMAGES[::-1], "labels": LABELS}, compress=False)
    server.answers("images", part())
    server.ranges = ranges
    place.refused({"url": server.url})
    server.put(CONTENTS, compress=False)
    server.answers("images", whole)
    before = len(server.requests("images"))
    place.fetch({"url": server.url})
    assert [bool(wanted) for wanted in server.requests("images")[before:]] == [True, False][: 1 + (ranges == "always")]


def test_a_resumed_file_with_a_wrong_checksum_is_fetched_again_only_once(place, server):
    server.put({"images": IMAGES[::-1], "labels": LABELS}, compress=False)
    server.answers("images", part(), whole)
    assert "wrong checksum" in place.refused({"url": server.url})
    assert [bool(wanted) for wanted in server.requests("images")] == [False, True, False]
    assert place.unfinished() == [], "a wrong file waits to be resumed"


def test_an_interrupted_fetch_leaves_no_dataset_and_resumes_at_the_next_call(place, server):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # in a shell's background it is ignored
    server.put(CONTENTS)
    server.answers("images.gz", interrupt_when(lambda: any(p.stat().st_size > 200_000 for p in place.unfinished())))
    with pytest.raises(KeyboardInterrupt):
        place.fetch({"url": server.url}, limits=Limits(answer=60))
    signal.signal(signal.SIGINT, before)
    assert [path.name for path in place.folder.parent.iterdir()] == [".partial"]
    server.answers("images.gz", whole)
    place.fetch({"url": server.url})
    assert server.requests("images.gz")[-1].startswith("bytes=")


def test_what_a_killed_download_left_is_used_or_overwritten_whatever_it_is(place, server):
    server.put(CONTENTS)
    server.answers("images.gz", part(0.3))
    place.refused({"url": server.url})
    (left,) = place.unfinished()
    for content in (b"", b"\n", b"no line", b"\xff" * 10_000, b'"tag"\n' + bytes(900_000), bytes(100) + b"\n1"):
        shutil.rmtree(place.folder, ignore_errors=True)
        left.write_bytes(content)
        server.answers("images.gz", whole)
        place.fetch({"url": server.url})


def test_two_fetches_at_once_do_not_spoil_each_others_download(place, server, tmp_path):
    """The second begins when the first is half done; the first ends soon after."""
    server.put(CONTENTS)
    server.ranges = "no"  # or both would write the same bytes to the same place, and no harm be seen
    begun, ended = threading.Event(), threading.Event()

    def first(handler, content):
        body = handler.begin(content)
        handler.wfile.write(body[: len(body) // 2])
        begun.wait(300)
        time.sleep(0.2)  # the data of the second should arrive
        handler.wfile.write(body[len(body) // 2 :])

    def second(handler, content):
        body = handler.begin(content)
        handler.wfile.write(body[:1000])
        begun.set()
        ended.wait(300)
        handler.wfile.write(body[1000:])

    server.answers("images.gz", first, second)
    places = [place, Place(tmp_path / "other")]
    checksums = {file: checksum(content) for file, content in CONTENTS.items()}
    problems = []

    def run(folder):
        sources, limits = [{"url": server.url}], Limits(answer=30, pause=0)
        try:
            fetch(folder, checksums, sources, name="tiny", own=[], parts=place.parts, limits=limits)
        except BaseException as problem:
            problems.append(problem)
        ended.set()

    threads = [threading.Thread(target=run, args=(one.folder,)) for one in places]
    threads[0].start()
    while not any(path.stat().st_size > 200_000 for path in place.unfinished()):
        time.sleep(0.005)
    threads[1].start()
    for thread in threads:
        thread.join()
    assert problems == []
    for one in places:
        assert found(one.folder) == CONTENTS
    assert place.unfinished() == []
