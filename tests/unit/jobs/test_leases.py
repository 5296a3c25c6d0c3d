"""No run is trained twice at the same time, and a lease leaves nothing behind."""

import contextlib
import os
import platform
import signal
import subprocess
import threading
from collections import defaultdict
from pathlib import Path

import pytest
from unit.lease_holders import take

from calotype.jobs import leases
from calotype.jobs.leases import Sign
from calotype.jobs.signals import StoppedError
from calotype.util.errors import CalotypeError

# ---- Never two at the same time --------------------------------------------------------------------------------------

CONTEND = """
rng = random.Random(int(sys.argv[2]))
file = os.open(sys.argv[3], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
for turn in range(int(sys.argv[4])):
    first = rng.randrange(4)
    seeds = range(first, first + rng.randrange(1, 4))
    with lease(folders(variant, seeds), "pack", asked_mib=None, stop=Stop(), poll=0.01):
        for word in ("begin", "end"):
            for seed in seeds:
                os.write(file, f"{word} {seed} {os.getpid()}\\n".encode())
            time.sleep(rng.random() * 0.02)
        if rng.random() < float(sys.argv[5]):
            os.kill(os.getpid(), signal.SIGKILL)
"""


def contend(start, tmp_path, processes, turns, deaths):
    """Run processes that take overlapping packs; return how often each seed was held, and the number killed."""
    record = tmp_path / "record"
    running = [start(CONTEND, str(number), str(record), str(turns), str(deaths)) for number in range(processes)]
    printed = [process.communicate(timeout=300)[0] for process in running]
    killed = [process.returncode for process in running].count(-signal.SIGKILL)
    assert all(process.returncode in (0, -signal.SIGKILL) for process in running), "\n".join(printed)
    held, turns_of = {}, defaultdict(int)
    for line in record.read_text().splitlines():
        word, seed, process = line.split()
        if word == "begin":
            assert seed not in held, f"seed {seed}: {held[seed]} holds it, and {process} began"
            held[seed] = process
            turns_of[seed] += 1
        else:
            assert held.pop(seed) == process
    assert held == {}
    return turns_of, killed


def test_processes_never_hold_the_same_run_at_the_same_time(start, tmp_path, variant):
    """Otherwise two jobs would train it and overwrite each other's files."""
    turns, killed = contend(start, tmp_path, processes=5, turns=12, deaths=0)
    assert sum(turns.values()) >= 60
    assert killed == 0
    assert not variant.exists(), "nothing is left, as nothing was saved"


def test_nor_while_some_of_them_are_killed_and_many_wait_for_what_they_held(start, tmp_path):
    turns, killed = contend(start, tmp_path, processes=10, turns=12, deaths=0.2)
    assert killed >= 3, "this test would show nothing"
    assert len(turns) == 6


def test_a_folder_that_another_job_removes_while_it_is_made_is_made_again(variant, monkeypatch):
    """A process that releases a run removes empty folders, also between two steps of another process."""
    tried = []

    def once(path, *arguments, **options):
        tried.append(path)
        if len(tried) <= 2:
            raise FileExistsError(17, "File exists", str(path if len(tried) == 1 else path.parent))
        return made(path, *arguments, **options)

    made = Path.mkdir
    with take(variant, 0) as held:
        monkeypatch.setattr(Path, "mkdir", once)
        assert leases._take(variant / "seed-001", held.heartbeat.name) is False
        assert leases._take(variant / "seed-001", held.heartbeat.name) is False
        assert leases._take(variant / "seed-001", held.heartbeat.name) is True
        (variant / "seed-002").write_text("a file")
        with pytest.raises(CalotypeError, match="seed-002"):
            leases._take(variant / "seed-002", held.heartbeat.name)


def test_packs_that_share_no_run_do_not_wait_for_each_other(variant):
    with take(variant, 0, 1), take(variant, 2, 3) as other:
        assert not other.waited
        assert len(list(variant.glob("heartbeat-*.json"))) == 2


def test_whoever_had_to_wait_knows_it(variant, start):
    """The results may exist by then and need no second training."""
    code = """
with lease(folders(variant, range(2)), "pack", asked_mib=None, stop=Stop(), poll=0.02) as held:
    say("held")
    sys.stdin.readline()
"""
    holder = start(code, stdin=subprocess.PIPE, wait_for="held")
    threading.Timer(0.3, holder.stdin.close).start()
    with take(variant, 1) as held:
        assert held.waited
    with take(variant, 1) as held:
        assert not held.waited


# ---- Ends ------------------------------------------------------------------------------------------------------------


def test_a_signal_ends_the_waiting_and_leaves_the_holder_alone(variant, start):
    code = """
with on_signals() as stop:
    with lease(folders(variant, range(2)), "pack", asked_mib=None, stop=stop, poll=0.02):
        say("held")
"""
    with take(variant, 1) as held:
        waiter = start(
            code,
            wait_for="study/variant, seeds 0 to 0 is being trained by "
            f"process {os.getpid()} on {platform.node()}; waiting for it.",
        )
        waiter.send_signal(signal.SIGTERM)
        printed = waiter.communicate(timeout=300)[0]
        assert waiter.returncode == 1
        assert "Stopped by SIGTERM" in printed
        assert "held" not in printed.split()
        held.check()
        assert leases._holder(variant / "seed-001") == held.heartbeat.name
        assert not (variant / "seed-000").exists(), "what it already held is given back"
        assert len(list(variant.glob("heartbeat-*.json"))) == 1


@pytest.mark.parametrize("error", [None, StoppedError("SIGTERM"), CalotypeError("a full disk"), KeyboardInterrupt()])
def test_nothing_is_left_however_it_ends(variant, tmp_path, error):
    with contextlib.suppress(StoppedError, CalotypeError, KeyboardInterrupt), take(variant, 0, 1, 2):
        assert {path.name for path in variant.iterdir()} > {"seed-000", "seed-001", "seed-002"}
        if error is not None:
            raise error
    (record,) = [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()]
    assert record.parent == Path("results/benchmarks/attempts/study/variant")
    assert not (tmp_path / "results/checkpoints").exists()
    assert not [thread for thread in threading.enumerate() if "_beat" in thread.name]


def test_checkpoints_stay(variant):
    with take(variant, 0, 1):
        (variant / "seed-001" / "000001.npz").write_text("saved")
    assert [str(path.relative_to(variant)) for path in sorted(variant.rglob("*"))] == [
        "seed-001",
        "seed-001/000001.npz",
    ]


def test_a_folder_that_cannot_be_made_is_answered_in_words(tmp_path):
    (tmp_path / "results").write_text("a file")
    with pytest.raises(CalotypeError, match="cannot be written"), take(tmp_path / "results" / "checkpoints"):
        pass


def test_last_words_leave_out_what_nothing_limits():
    said = Sign("pack", "h", 5, 1.0, None, None, 17, 60.0).last_words()
    assert said == "process 5 on h used 17 MiB and ran 60 s"
    said = Sign("pack", "h", 5, 1.0, "12", 200, 17, 60.0).last_words()
    assert said == "Slurm job 12, process 5 on h requested 200 MiB of memory, used 17 MiB and ran 60 s"
