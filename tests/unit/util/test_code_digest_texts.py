"""Texts of errors and logs train nothing again; a call within them does."""

import pytest

SAYS = """
import logging
import warnings

logger = logging.getLogger(__name__)

class TooLarge(Exception):
    pass

def net(shape, outputs):
    where, hint = f"net {shape}", "make it smaller"
    problem = "too large"
    name = "dense"
    if outputs > 3:
        raise ValueError(f"{where}: {problem}: {hint}")
    if outputs > 2:
        logger.warning("%d outputs", outputs)
    warnings.warn("slow", stacklevel=2)
    print("building", outputs)
    assert outputs, "none"
    try:
        return [name, outputs]
    except KeyError as error:
        raise TooLarge("no key", outputs) from error
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"too large"', '"larger than allowed"'),
        ("{where}: {problem}: {hint}", "{problem}"),
        ('"%d outputs"', '"%d is many"'),
        ('"slow"', '"slower"'),
        ('"building"', '"at it"'),
        ('        logger.warning("%d outputs", outputs)', '        logger.info("few")\n        logger.info("many")'),
        ('    if outputs > 2:\n        logger.warning("%d outputs", outputs)\n', ""),
        ('assert outputs, "none"', 'assert outputs, "no output"'),
        ('"no key"', '"no such key"'),
        ("import warnings", 'import warnings\n"""A remark."""'),
    ],
)
def test_texts_of_errors_and_logs_train_nothing(files, old, new):
    before = files.digest(SAYS)
    assert old in SAYS
    assert files.digest(SAYS.replace(old, new)) == before


def test_another_limit_trains_nothing_where_finished_results_have_passed_it(files):
    limited = """
from calotype.util.errors import CalotypeError
MOST = 9

def net(shape, outputs):
    if outputs > MOST:
        problem = f"more than {MOST}"
        raise CalotypeError(problem)
    return outputs
"""
    before = files.digest(limited)
    assert files.digest(limited.replace("MOST = 9", "MOST = 10").replace("more than", "above")) == before
    assert files.digest(limited.replace("    return outputs", "    return outputs + MOST")) != before
    assert files.digest(limited.replace("raise CalotypeError(problem)", "outputs = MOST")) != before


def test_a_check_of_a_config_type_trains_nothing_unless_it_returns_something(files):
    typed = """
from pydantic import BaseModel
MOST = 9

class net(BaseModel):
    def check(self, known):
        if known > MOST:
            raise ValueError("too many")

    def after(self, known):
        return known
"""
    before = files.digest(typed)
    assert files.digest(typed.replace("MOST = 9", "MOST = 10").replace("too many", "more than allowed")) == before
    assert files.digest(typed.replace("return known", "return known + 1")) != before
    returns = typed.replace('raise ValueError("too many")', "return MOST")
    assert files.digest(returns) != files.digest(returns.replace("MOST = 9", "MOST = 10"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"dense"', '"convolutional"'),
        ("outputs > 3", "outputs > 4"),
        ("ValueError", "TypeError"),
        ("assert outputs,", "assert outputs + 1,"),
        ('"no key", outputs', '"no key", outputs + 1'),
        ('"building", outputs', '"building", file=shape'),
    ],
)
def test_what_is_more_than_a_text_counts(files, old, new):
    before = files.digest(SAYS)
    assert files.digest(SAYS.replace(old, new)) != before


@pytest.mark.parametrize(
    "line",
    [
        "print(np.random.rand())",
        'logger.info("%f", np.random.rand())',
        'text = f"{np.random.rand()}"',
        'raise ValueError("text" + hidden.pop())',
    ],
)
def test_a_call_in_what_is_shown_counts_as_it_may_change_a_result(files, line):
    net = f"import numpy as np\nlogger = hidden = []\n\ndef net(shape, outputs):\n    {line}\n    return shape\n"
    assert files.digest(net) != files.digest(net.replace("np.random.rand()", "1").replace("hidden.pop()", '""'))
