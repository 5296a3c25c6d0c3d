"""The user reads the words of sbatch, and only a limit that passes is waited for."""

import pytest

from calotype.jobs import refusals

CALL = '\n    sbatch call:\n        sbatch -p gpux --wrap="sbatch: error: no"\nFor further error details see the log'
POLICY = "Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)"


def message(*lines: str) -> str:
    return (
        "SLURM sbatch failed. The error message was '" + "\n".join(f"sbatch: error: {x}" for x in lines) + f"'.{CALL}"
    )


@pytest.mark.parametrize(
    "lines",
    [
        ("AssocMaxSubmitJobLimit", f"Batch job submission failed: {POLICY}"),
        ("QOSMaxSubmitJobPerUserLimit", f"Batch job submission failed: {POLICY}"),
        ("Batch job submission failed: Unable to contact slurm controller (connect failure)",),
        ("Batch job submission failed: Resource temporarily unavailable",),
        ("Batch job submission failed: Socket timed out on send/recv operation",),
    ],
)
def test_a_limit_that_passes_is_waited_for(lines):
    assert refusals.passes(message(*lines))


FAILED = "Batch job submission failed: "


@pytest.mark.parametrize(
    ("lines", "key"),
    [
        (("invalid partition specified: gpux", f"{FAILED}Invalid partition name specified"), "slurm_partition"),
        ((f"{FAILED}Invalid account or account/partition combination specified",), "slurm_account"),
        ((f"{FAILED}Invalid qos specification",), "qos"),
        ((f"{FAILED}Invalid generic resource (gres) specification",), "gres"),
        ((f"{FAILED}Requested node configuration is not available",), "mem_mb"),
        (("QOSMaxWallDurationPerJobLimit", f"{FAILED}{POLICY}"), "runtime"),
        (("QOSMaxMemoryPerJob", f"{FAILED}{POLICY}"), "mem_mb"),
    ],
)
def test_other_refusals_name_the_line_of_the_profile(lines, key):
    text = message(*lines)
    assert not refusals.passes(text)
    assert refusals.reason(text) == f"sbatch: error: {'; '.join(lines)}"
    assert f"`{key}`" in refusals.hint(text)


def test_an_error_without_words_of_sbatch_is_shown():
    text = "Job submission failed with exception: The given account x appears to be invalid. Available accounts:\nlab"
    assert refusals.reason(text) == "The given account x appears to be invalid. Available accounts: lab"
    assert refusals.reason("SLURM sbatch failed. The error message was '/bin/sh: 1: sbatch: not found'.") == (
        "/bin/sh: 1: sbatch: not found"
    )
