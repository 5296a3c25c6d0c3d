"""A download survives faults of servers and networks."""

import gzip
import os
import re
import subprocess
import sys

import pytest
from unit.mirrors import CONTENTS, IMAGES, LABELS, checksum, put, silence, status, whole

from calotype.fetch.state import Limits
from calotype.util.errors import CalotypeError

# For servers that never answer: short limits keep the test short.
IMPATIENT = Limits(pause=0, answer=0.4)


# ---- Answers of a server ---------------------------------------------------------------------------------------------


def other(content):
    """Return an answer with another content."""

    def answer(handler, _):
        handler.wfile.write(handler.begin(content))

    return answer


def stall(handler, content):
    """Send the first half, then nothing more."""
    body = handler.begin(content)
    handler.wfile.write(body[: len(body) // 2])
    silence(handler, content)


def trickle(handler, content):
    """Send one byte at a time, slowly."""
    for byte in handler.begin(content):
        if handler.server.over.wait(0.01):
            break
        handler.wfile.write(bytes([byte]))
        handler.wfile.flush()
    handler.close_connection = True


def endless(handler, content):
    """Send data without end."""
    handler.begin(content, length=10**12)
    while not handler.server.over.is_set():
        handler.wfile.write(IMAGES)


# ---- Downloads -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compress", [True, False])
def test_files_of_a_server_are_used_compressed_or_not(place, server, compress):
    server.put(CONTENTS, compress)
    place.fetch({"url": server.url})
    assert len(server.requests("images.gz")) == 1, "the compressed file is asked for first"
    assert len(server.requests("images")) == (0 if compress else 1)


def test_a_trailing_slash_of_an_address_does_no_harm(place, server):
    server.put(CONTENTS)
    place.fetch({"url": server.url + "/"})


def test_a_missing_page_that_says_ok_is_not_taken_for_the_file(place, server):
    """Servers of single-page applications and sign-in pages of guest networks answer in this way."""
    server.put(CONTENTS, compress=False)
    for file in CONTENTS:
        server.answers(f"{file}.gz", other(b"<html>Not found. Or sign in.</html>"))
    place.fetch({"url": server.url})
    assert len(server.requests("images.gz")) == 1, "what was wrong as a whole will be so again"


@pytest.mark.parametrize("of_it", [1, 0.5], ids=["whole", "cut off"])
def test_a_file_that_the_server_compresses_on_the_way_is_used(place, server, of_it):
    def compressed(of_it):
        def answer(handler, content):
            body = handler.begin(gzip.compress(content), headers=[("Content-Encoding", "gzip")])
            handler.wfile.write(body[: int(len(body) * of_it)])
            handler.close_connection = True

        return answer

    server.put(CONTENTS, compress=False)
    server.answers("images", compressed(of_it), compressed(1))
    server.answers("labels", compressed(1))
    place.fetch({"url": server.url})
    assert set(server.requests("images")) == {None}, "what was decompressed cannot go on in the middle"


def test_a_redirect_to_a_mirror_is_followed(place, server):
    server.put(CONTENTS)
    server.files["/mirror/images.gz"] = server.files.pop("/sets/tiny/images.gz")
    server.answers("images.gz", status(302, ("Location", "/mirror/images.gz")))
    place.fetch({"url": server.url})


def test_a_missing_file_is_not_asked_for_again_and_again(place, server):
    server.put({"labels": LABELS})
    message = place.refused({"url": server.url})
    assert server.requests("images.gz") == server.requests("images") == [None]
    assert f"  {server.url}: 404 Not Found (images.gz, images)\n" in message
    assert "labels" not in message, "what was had was not missing"


@pytest.mark.parametrize("code", [500, 502, 503, 429])
def test_an_error_that_passes_does_not_end_a_download(place, server, code):
    server.put(CONTENTS)
    server.answers("images.gz", status(code), status(code, ("Retry-After", "0")), whole)
    place.fetch({"url": server.url})
    assert len(server.requests("images.gz")) == 3


def test_an_error_that_stays_is_named_after_three_tries(place, server):
    server.put(CONTENTS)
    server.answers("images.gz", status(503))
    assert f"  {server.url}: 503 Service Unavailable (images.gz)\n" in place.refused({"url": server.url})
    assert len(server.requests("images.gz")) == 3


def test_a_server_that_asks_to_wait_for_hours_is_left_alone(place, server):
    server.put(CONTENTS)
    server.answers("images.gz", status(429, ("Retry-After", "7200")))
    assert f"  {server.url}: 429 Too Many Requests (images.gz)\n" in place.refused({"url": server.url})
    assert len(server.requests("images.gz")) == 1


@pytest.mark.parametrize("way", [silence, stall])
def test_a_server_that_falls_silent_does_not_hold_up_the_other_sources(place, server, tmp_path, way):
    server.put(CONTENTS)
    server.answers("images.gz", way)
    message = place.refused({"url": server.url}, limits=IMPATIENT)
    assert f"  {server.url}: no answer within 0.4 s\n" in message
    assert server.requests("images") == server.requests("labels.gz") == [], "a silent server was asked for more"
    place.fetch({"url": server.url}, {"folder": str(put(tmp_path / "mirror"))}, limits=IMPATIENT)


def test_a_server_that_falls_silent_once_is_asked_again(place, server):
    server.put(CONTENTS)
    server.answers("images.gz", silence, stall, whole)
    place.fetch({"url": server.url}, limits=IMPATIENT)
    first, second, third = server.requests("images.gz")
    assert (first, second) == (None, None)
    assert third.startswith("bytes=")


def test_a_server_that_sends_a_byte_now_and_then_does_not_hold_a_job_for_days(place, server):
    server.put(CONTENTS)
    server.answers("images.gz", trickle)
    message = place.refused({"url": server.url}, limits=Limits(answer=5, whole=0, pause=0))
    assert f"  {server.url}: not finished within 0 s (" in message


def test_without_a_network_the_message_says_so_and_how_to_provide_the_files_by_hand(place, nobody):
    message = place.refused({"url": nobody})
    assert f"  {nobody}: Connection refused\n" in message
    hint = message.partition("\nHint: ")[2]
    for help_ in ("CALOTYPE_DATA=", "<file>.gz", "`local_data:` in config/config.yaml", "snakemake --cores 1 fetch"):
        assert help_ in hint


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/sets", "file:///etc", "127.0.0.1/sets", ""])
def test_an_address_that_is_not_of_the_web_is_not_tried(place, url):
    assert "not tried: only http and https addresses are fetched\n" in place.refused({"url": url})


@pytest.mark.parametrize("url", ["http://", "http://[::1/sets", "https://:x/sets"])
def test_an_address_that_is_none_is_named(place, url):
    assert f"  {url}: " in place.refused({"url": url})


def test_a_redirect_off_the_web_is_not_followed(place, server, tmp_path):
    put(tmp_path / "secrets")
    server.answers("images.gz", status(302, ("Location", f"file://{tmp_path}/secrets/images")))
    server.answers("labels.gz", status(302, ("Location", f"{server.url}/labels.gz")))
    message = place.refused({"url": server.url})
    assert "No connection adapters were found" in message
    assert "Exceeded 30 redirects" in message


def test_a_certificate_that_nobody_signed_is_refused_at_once(place, server):
    """The server does not speak TLS, so no certificate can be valid."""
    server.put(CONTENTS)
    message = place.refused({"url": server.url.replace("http:", "https:")})
    assert re.search(r"^  https://.*: .*(SSL|TLS|EOF|handshake)", message, re.MULTILINE)


def test_a_download_without_end_does_not_fill_the_disk(place, server):
    server.put({"labels": LABELS})
    server.answers("images.gz", endless)
    message = place.refused({"url": server.url}, limits=Limits(file=300_000, pause=0))
    assert f"  {server.url}: larger than 300,000 bytes (images.gz)\n" in message
    assert place.unfinished() == []


def test_a_full_disk_during_a_download_leaves_nothing_that_looks_like_a_dataset(place, server, files_no_longer_than):
    server.put(CONTENTS)
    with files_no_longer_than(200_000), pytest.raises(CalotypeError, match="cannot be written: File too large"):
        place.fetch({"url": server.url})
    assert not place.folder.exists()
    place.fetch({"url": server.url})


def test_unfinished_downloads_that_cannot_be_kept_are_named(place, server):
    server.put(CONTENTS)
    place.parts.parent.mkdir()
    place.parts.write_text("in the way")
    with pytest.raises(CalotypeError, match=r"\.partial: cannot be written: "):
        place.fetch({"url": server.url})


# ---- Progress on the terminal ----------------------------------------------------------------------------------------


def test_without_a_terminal_nothing_but_log_lines_is_printed(place, server, capfd):
    server.put(CONTENTS)
    place.fetch({"url": server.url})
    assert capfd.readouterr() == ("", "")


def test_on_a_terminal_a_long_download_shows_that_it_moves(place, server):
    server.put(CONTENTS)
    shown, terminal = os.openpty()
    checksums = {file: checksum(content) for file, content in CONTENTS.items()}
    code = (
        "import sys; from pathlib import Path; from calotype.fetch.fetch import fetch; "
        f"fetch(Path({str(place.folder)!r}), {checksums!r}, [{{'url': {server.url!r}}}], name='tiny', own=[], "
        f"parts=Path({str(place.parts)!r}))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen([sys.executable, "-c", code], stderr=terminal, env=environment) as process:
        os.close(terminal)
        printed = b""
        try:
            while some := os.read(shown, 65536):
                printed += some
        except OSError:  # how a pseudo-terminal says that all have left
            pass
        os.close(shown)
    assert process.returncode == 0, printed
    assert b"images.gz" in printed
    assert (place.folder / "images").read_bytes() == IMAGES
