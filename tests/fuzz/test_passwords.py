"""No password in an address reaches a log, the terminal or an error, whatever it is and whatever goes wrong."""

import contextlib
import io
import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calotype.config.dataset_fetched import IdxDataset
from calotype.fetch.fetch import fetch
from calotype.fetch.state import Limits
from calotype.util.entry_point import script
from calotype.util.errors import CalotypeError
from calotype.util.yaml_validation import validate

LIMITS = Limits(connect=1, answer=1, pause=0, tries=2)
LETTERS = "ÞßŁ¥ĦŊ"  # in none of our messages
SIGNS = "/:@#?%$&+;,!'\"[]{}()^~|\\ "
PASSWORDS = st.builds(
    "{}{}{}".format, st.text(LETTERS, min_size=4), st.text(SIGNS, max_size=4), st.text(LETTERS, min_size=4)
)
ANY = settings(max_examples=80, derandomize=True, database=None, deadline=None)


def leaked(text: str) -> set[str]:
    return set(LETTERS) & set(text)


@ANY
@given(
    password=PASSWORDS,
    user=st.sampled_from(["me:", "", ":", "me@home:"]),
    host=st.sampled_from(["", "x y", "[", "here"]),
)
def test_a_password_in_an_address_is_in_no_log_and_no_error(tmp_path_factory, password, user, host):
    if ":" not in user:  # a token; with a slash it would be the host and a folder
        user, password = "", password.replace("/", "").replace(" ", "").replace(":", "")
    folder = tmp_path_factory.mktemp("fetched")
    terminal = io.StringIO()
    with socket.socket() as closed, contextlib.redirect_stderr(terminal):
        closed.bind(("127.0.0.1", 0))  # nobody listens there
        address = f"http://{user}{password}@{host.replace('here', f'127.0.0.1:{closed.getsockname()[1]}')}/sets"
        with pytest.raises(SystemExit), script(str(folder / "log")):
            fetch(folder / "d", {"f": "a" * 64}, [{"url": address}], name="d", own=[], parts=folder, limits=LIMITS)
    text = (folder / "log").read_text(encoding="utf-8") + terminal.getvalue()
    assert "no source provided f" in text
    assert not leaked(text)


@ANY
@given(password=PASSWORDS, scheme=st.sampled_from(["ftp", "https", "http:"]), other=st.sampled_from([{}, {"npm": "x"}]))
def test_a_password_in_an_address_that_is_refused_is_not_shown(password, scheme, other):
    source = {"url": f"{scheme}://me:{password}@here.org/sets"} | other
    entry = {"source": "idx", "classes": ["a", "b"], "splits": {"train": {"images": "i", "labels": "l"}}}
    with pytest.raises(CalotypeError) as problem:
        validate(IdxDataset, entry | {"fetch": {"files": {"i": "no"}, "sources": [source, {"url": [source]}]}}, "file")
    assert not leaked(str(problem.value))
