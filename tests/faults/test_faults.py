"""No fault of a cluster changes a result: the paper is computed with faults, and every byte is compared.

pytest tests/faults                                        one round, some minutes
pytest -m soak tests/faults --rounds 8 --fault-seed 1      any number of rounds, all kinds of faults; -s to watch
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random

import pytest
from cluster.private_slurm import PrivateSlurm
from faults.kinds import CONDITIONS, HEAD, KILLED, NODE, REQUEUED, Condition, Strike
from faults.paper import STUDIES, TABLES, Clean, fresh_copy
from faults.record import Record, keep, table
from faults.rounds import Round, draw_strikes

STRIKES_A_ROUND = 10  # of the soak, besides a condition
FIGURES = {".svg", ".pdf", ".png"}
PRINTED = {".h5", ".csv", ".npz", ".npy", ".tex", *FIGURES}


class Faults:
    """Rounds with faults, each compared with the clean one."""

    def __init__(self, slurm: PrivateSlurm, clean: Clean, folder: Path, kept: Path, seed: int) -> None:
        self.slurm, self.clean, self.folder, self.kept, self.seed = slurm, clean, folder, kept, seed
        self.records: list[Record] = []

    def play(
        self,
        studies: Sequence[str],
        strikes: Sequence[Strike],
        conditions: Sequence[Condition],
        targets: Sequence[str] = (),
        *,
        begun: bool = False,
    ) -> Record:
        """Play a round in a fresh copy of the paper, and keep its files if it fails."""
        printed, expected = self.clean(tuple(studies), tuple(targets))
        assert {Path(name).suffix for name in expected} >= (PRINTED - FIGURES if targets else PRINTED)
        number = len(self.records) + 1
        project = fresh_copy(printed, self.folder / f"round-{number}")
        playing = Round(self.slurm, project, f"round {number}", Random(f"{self.seed} {number}"), targets, begun)
        record = playing.play(strikes, conditions, expected)
        self.records.append(record)
        if not record.survived:
            record.problems.append(f"kept: {keep(project, printed, record, self.kept)}")
        shutil.rmtree(project.folder)
        return record


@pytest.fixture
def faults(
    breakable: PrivateSlurm,
    clean: Clean,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    pytestconfig: pytest.Config,
    note: Callable[[str], None],
) -> Iterator[Faults]:
    """Run rounds with one seed and print their record at the end."""
    seed = pytestconfig.getoption("--fault-seed")
    playing = Faults(breakable, clean, tmp_path, tmp_path_factory.mktemp("failed-rounds"), seed)
    yield playing
    note(f"faults, seed {seed}")
    for line in table(playing.records):
        note(line)
    for record in playing.records:
        for line in (*record.problems, *record.differences):
            note(f"{record.name}: {line}")


@pytest.mark.cluster
@pytest.mark.slow
def test_faults_change_no_byte_of_a_training_run_or_a_table(faults):
    # The soak has the other strikes: the two trainings of this round end before more strikes.
    strikes = [KILLED, REQUEUED, HEAD, NODE]
    Random(faults.seed).shuffle(strikes)
    # tests/cluster tests too little memory; here it would train everything twice. No fault strikes figures, so only the
    # soak compares them.
    tables = [f"results/{STUDIES[0]}/{table}" for table in TABLES]
    record = faults.play(STUDIES[:1], strikes, [], tables, begun=True)
    assert record.injected, "nothing was struck"
    assert record.resumed, "no training resumed from a checkpoint"
    assert record.differences == []
    assert record.problems == []


@pytest.mark.soak
@pytest.mark.cluster
def test_many_faults_change_no_byte_of_the_paper(faults, pytestconfig):
    rounds = pytestconfig.getoption("--rounds")
    random = Random(faults.seed)
    strikes = draw_strikes(random, rounds * STRIKES_A_ROUND)
    # Every other round has no condition, so that trainings with the requests of the profile are struck, too.
    for number in range(1, rounds + 1):
        condition = [CONDITIONS[number // 2 % len(CONDITIONS)]] if number % 2 else []
        faults.play(STUDIES, [strikes.pop() for _ in range(STRIKES_A_ROUND)], condition)
    failed = [record for record in faults.records if not record.survived]
    assert not failed, "\n".join(f"{record.name}: {record.problems} {record.differences}" for record in failed)
