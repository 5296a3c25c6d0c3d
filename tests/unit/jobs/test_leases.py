"""No run is trained twice at the same time, and none waits for a process that has ended."""

import contextlib
import json
import logging
import os
import platform
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path

import pytest

from calotype.jobs import leases
from calotype.jobs.leases import Sign, lease
from calotype.jobs.signals import Stop, StoppedError
from calotype.util.errors import CalotypeError

ROOT = Path(__file__).parents[3]
NEVER = 1e6  # seconds
# Takes leases and says so, line by line: what it does is an expression in Python.
PROCESS = """
import logging, os, random, signal, sys, time
from pathlib import Path
from calotype.jobs import leases
from calotype.jobs.leases import lease
from calotype.jobs.signals import Stop, StoppedError, on_signals

logging.basicConfig(level=logging.INFO, format="%(message)s")

def folders(variant, seeds):
    return [Path(variant, f"seed-{seed:03d}") for seed in seeds]

def say(*words):
    print(*words, flush=True)

variant = sys.argv[1]
"""


@pytest.fixture
def variant(tmp_path, caplog):
    """The folder of the checkpoints of a variant."""
    caplog.set_level(logging.DEBUG, "calotype")
    (tmp_path / "results").mkdir()
    return tmp_path / "results" / "checkpoints" / "study" / "variant"


@pytest.fixture
def start(variant):
    """Starts processes, and ends those that are left."""
    started = []

    def begin(code, *arguments, wait_for=None, **options):
        process = subprocess.Popen(
            [sys.executable, "-c", PROCESS + code, str(variant), *arguments],
            env={**os.environ, "PYTHONPATH": str(ROOT / "workflow")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **options,
        )
        started.append(process)
        if wait_for is not None:
            lines = []
            for line in process.stdout:
                lines.append(line)
                if line.strip() == wait_for:
                    break
            else:
                pytest.fail("".join(lines))
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def folders(variant, *seeds):
    return [variant / f"seed-{seed:03d}" for seed in seeds or (0,)]


def take(variant, *seeds, asked_mib=None, stop=None, poll=0.02):
    return lease(
        folders(variant, *seeds), "study/variant, seeds 0 to 0", asked_mib=asked_mib, stop=stop or Stop(), poll=poll
    )


HOLD = """
with lease(folders(variant, range(2)), "study/variant, seeds 0 to 1", asked_mib=321, stop=Stop(), poll=0.02):
    say("held")
    time.sleep(1000)
"""


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
    """Let processes have turns at overlapping packs; how often each seed was held, and how many processes died."""
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
    """Else two jobs would train it, each over the other's files."""
    turns, killed = contend(start, tmp_path, processes=5, turns=12, deaths=0)
    assert sum(turns.values()) >= 60
    assert killed == 0
    assert not variant.exists(), "nothing is left, as nothing was saved"


def test_nor_while_some_of_them_are_killed_and_many_wait_for_what_they_held(start, tmp_path):
    turns, killed = contend(start, tmp_path, processes=10, turns=12, deaths=0.2)
    assert killed >= 3, "this test would show nothing"
    assert len(turns) == 6


def test_a_folder_that_a_neighbour_removes_while_it_is_made_is_made_again(variant, monkeypatch):
    """Whoever gives a run back removes what it left empty: between an attempt to make it and a look at it, too."""
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
    """The results may be there by then, and need not be trained again."""
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


# ---- A holder that ended without a word ------------------------------------------------------------------------------


@pytest.mark.parametrize("reaped", [True, False], ids=["gone", "not yet buried by its parent"])
def test_a_killed_holder_on_this_host_is_replaced_at_once_and_its_memory_is_told(
    variant, start, caplog, monkeypatch, reaped
):
    monkeypatch.setattr(leases, "SILENCE", NEVER)
    holder = start(HOLD, wait_for="held")
    holder.send_signal(signal.SIGKILL)
    if reaped:
        holder.wait()
    with take(variant, 0, 1, 2) as held:
        assert held.waited
        said = caplog.text
    assert f"The attempt before ended without a word: process {holder.pid} on {platform.node()}" in said
    assert "had asked for 321 MiB of memory, had used" in said
    used = int(said.split("had used ")[1].split()[0])
    assert 5 < used < 2000
    assert not list(variant.glob("heartbeat-*.json"))
    assert said.count("ended without a word") == 1


def test_memory_that_a_process_took_just_before_it_was_killed_is_told(variant, start, caplog, monkeypatch):
    """What a user asks after a job that ran out of memory: how much did it need?"""
    monkeypatch.setattr(leases, "SILENCE", NEVER)
    code = """
leases.BEAT = 1.0
with lease(folders(variant, range(1)), "pack", asked_mib=100, stop=Stop()):
    taken = b"x" * 300 * 2**20
    heartbeat = next(Path(variant).glob("heartbeat-*.json"))
    while leases.read_sign(heartbeat).used_mib < 300:
        time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert start(code).wait() == -signal.SIGKILL
    with take(variant):
        assert int(caplog.text.split("had used ")[1].split()[0]) >= 300


def test_another_process_that_has_the_number_of_a_dead_one_is_not_taken_for_it(variant, monkeypatch, caplog):
    """Numbers of processes come again; in containers they are nearly always the same."""
    monkeypatch.setattr(leases, "SILENCE", NEVER)
    leave(variant, Sign("pack", platform.node(), os.getpid(), born=1.0, job=None, asked_mib=None))
    with take(variant):
        assert "ended without a word" in caplog.text


def leave(variant, sign, lease_holds=None, mtime=None):
    """A lease, and the sign of life of its holder, as another machine has left them."""
    heartbeat = variant / "heartbeat-other.json"
    (variant / "seed-000").mkdir(parents=True)
    (variant / "seed-000" / "lease").write_text(heartbeat.name if lease_holds is None else lease_holds)
    if sign is not None:
        heartbeat.write_text(sign if isinstance(sign, str) else json.dumps(asdict(sign)))
        if mtime is not None:
            os.utime(heartbeat, (mtime, mtime))
    if mtime is not None:
        os.utime(variant / "seed-000" / "lease", (mtime, mtime))
    return heartbeat


ELSEWHERE = Sign("pack", "another-host", 4711, born=17.0, job=None, asked_mib=500, used_mib=499, seconds=60.0)
CLOCKS = pytest.mark.parametrize("mtime", [0, 1e9, 4e9], ids=["clock in 1970", "clock in 2001", "clock in 2096"])


@CLOCKS
def test_a_holder_elsewhere_that_says_nothing_is_replaced(variant, monkeypatch, caplog, mtime):
    """A node that lost its power; whatever its clock says, or ours."""
    monkeypatch.setattr(leases, "SILENCE", 0.4)
    leave(variant, ELSEWHERE, mtime=mtime)
    with take(variant) as held:
        assert held.waited
        assert leases._holder(variant / "seed-000") == held.heartbeat.name
    assert "pack is being trained by process 4711 on another-host; waiting for it." in caplog.text
    assert "No sign of life for 0 s: process 4711 on another-host had asked for 500 MiB" in caplog.text
    assert not variant.exists()


@CLOCKS
def test_a_holder_elsewhere_that_is_alive_is_waited_for(variant, monkeypatch, caplog, mtime):
    monkeypatch.setattr(leases, "SILENCE", 1.5)
    heartbeat, given_back = leave(variant, ELSEWHERE, mtime=mtime), threading.Event()

    def live():
        for beat in range(1, 30):
            time.sleep(0.1)
            aside = heartbeat.with_suffix(".aside")
            aside.write_text(json.dumps(asdict(ELSEWHERE) | {"beat": beat}))
            os.utime(aside, (mtime, mtime))
            aside.rename(heartbeat)
        given_back.set()
        (variant / "seed-000" / "lease").unlink()
        heartbeat.unlink()

    holder = threading.Thread(target=live)
    holder.start()
    with take(variant):
        assert given_back.is_set(), "it was taken from a holder that was alive"
    holder.join()
    assert "No sign of life" not in caplog.text


def test_signs_of_life_go_on_as_long_as_a_run_is_held(variant, monkeypatch):
    monkeypatch.setattr(leases, "BEAT", 0.05)
    with take(variant, asked_mib=99) as held:
        seen = set()
        while len(seen) < 4:
            sign = leases.read_sign(held.heartbeat)
            assert (sign.host, sign.process, sign.asked_mib) == (platform.node(), os.getpid(), 99)
            assert not sign.is_dead()
            seen.add(sign.beat)
            time.sleep(0.02)


@pytest.mark.parametrize(
    ("sign", "lease_holds"),
    [
        (None, None),
        ("", None),
        ("{", None),
        ("[1]", None),
        ('{"name": "of another version"}', None),
        (None, ""),
        (None, "no/such/place"),
    ],
    ids=["none", "empty", "torn", "other data", "another version", "empty lease", "lease of garbage"],
)
def test_files_that_a_power_failure_left_torn_do_not_hold_a_run_for_ever(variant, monkeypatch, sign, lease_holds):
    monkeypatch.setattr(leases, "SILENCE", 0.4)
    leave(variant, sign, lease_holds)
    stop = Stop()
    threading.Timer(20, lambda: setattr(stop, "by", "waiting for ever")).start()
    with take(variant, stop=stop) as held:
        assert held.waited


# ---- A holder that was silent and lives ------------------------------------------------------------------------------


def test_a_process_that_slept_too_long_notices_that_its_runs_are_anothers(variant, start, monkeypatch, caplog):
    """A laptop that was closed, a node that hung: it stops, and leaves the other's files alone."""
    monkeypatch.setattr(leases, "SILENCE", 0.5)
    code = """
leases.BEAT = 0.1
try:
    with lease(folders(variant, range(1)), "pack", asked_mib=None, stop=Stop()) as held:
        say("held")
        while True:
            held.check()
            time.sleep(0.02)
except StoppedError as stopped:
    say("stopped by", stopped.by)
"""
    sleeper = start(code, wait_for="held")
    sleeper.send_signal(signal.SIGSTOP)
    with take(variant) as held:
        assert "No sign of life" in caplog.text
        sleeper.send_signal(signal.SIGCONT)
        assert "stopped by another process, which took over after a long silence" in sleeper.communicate(timeout=300)[0]
        assert leases._holder(variant / "seed-000") == held.heartbeat.name
        held.check()
    assert not variant.exists()


def test_a_full_disk_does_not_end_a_training_that_holds_its_runs(variant, monkeypatch, files_no_longer_than):
    monkeypatch.setattr(leases, "BEAT", 0.02)
    with take(variant) as held:
        with files_no_longer_than(1):
            time.sleep(0.3)
        beat = leases.read_sign(held.heartbeat).beat
        while leases.read_sign(held.heartbeat).beat == beat:
            time.sleep(0.01)
        held.check()
        assert leases._holder(variant / "seed-000") == held.heartbeat.name


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
    assert [*tmp_path.rglob("*")] == [tmp_path / "results"]
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
    assert (
        Sign("pack", "h", 5, 1.0, None, None, 17, 60.0).last_words()
        == "process 5 on h had used 17 MiB, and ran for 60 s"
    )
    assert Sign("pack", "h", 5, 1.0, "12", 200, 17, 60.0).last_words() == (
        "Slurm job 12, process 5 on h had asked for 200 MiB of memory, had used 17 MiB, and ran for 60 s"
    )
