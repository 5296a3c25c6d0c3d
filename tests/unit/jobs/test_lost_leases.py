"""No run waits for a process that has ended."""

import json
import os
import platform
import signal
import threading
import time
from dataclasses import asdict

import pytest
from unit.lease_holders import take

from calotype.jobs import leases
from calotype.jobs.leases import Sign
from calotype.jobs.signals import Stop

NEVER = 1e6  # seconds
HOLD = """
with lease(folders(variant, range(2)), "study/variant, seeds 0 to 1", asked_mib=321, stop=Stop(), poll=0.02):
    say("held")
    time.sleep(1000)
"""


# ---- A killed holder -------------------------------------------------------------------------------------------------


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
    assert f"The previous attempt was killed: process {holder.pid} on {platform.node()}" in said
    assert "requested 321 MiB of memory, used" in said
    used = int(said.split("memory, used ")[1].split()[0])
    assert 5 < used < 2000
    assert not list(variant.glob("heartbeat-*.json"))
    assert said.count("was killed") == 1


def test_memory_that_a_process_took_just_before_it_was_killed_is_told(variant, start, caplog, monkeypatch):
    """After a job ran out of memory, the user needs to know how much it used."""
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
        assert int(caplog.text.split("memory, used ")[1].split()[0]) >= 300


def test_another_process_that_has_the_number_of_a_dead_one_is_not_taken_for_it(variant, monkeypatch, caplog):
    """Process ids are reused; in containers they are nearly always the same."""
    monkeypatch.setattr(leases, "SILENCE", NEVER)
    leave(variant, Sign("pack", platform.node(), os.getpid(), born=1.0, job=None, asked_mib=None))
    with take(variant):
        assert "The previous attempt was killed" in caplog.text


def leave(variant, sign, lease_holds=None, mtime=None):
    """Write a lease and the heartbeat of its holder, as another machine leaves them."""
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
    """A node lost power; neither its clock nor ours matters."""
    monkeypatch.setattr(leases, "SILENCE", 0.4)
    leave(variant, ELSEWHERE, mtime=mtime)
    with take(variant) as held:
        assert held.waited
        assert leases._holder(variant / "seed-000") == held.heartbeat.name
    assert "pack is being trained by process 4711 on another-host; waiting for it." in caplog.text
    assert "No heartbeat for 0 s: process 4711 on another-host requested 500 MiB" in caplog.text
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
    assert "No heartbeat" not in caplog.text


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
    """After a closed laptop or a hung node, the old process stops and leaves the new holder's files alone."""
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
        assert "No heartbeat" in caplog.text
        sleeper.send_signal(signal.SIGCONT)
        assert (
            "stopped by another process, which took over because this one wrote no heartbeat"
            in sleeper.communicate(timeout=300)[0]
        )
        assert leases._holder(variant / "seed-000") == held.heartbeat.name
        held.check()
    assert not variant.exists()


def test_a_full_disk_does_not_end_a_training_run_that_holds_its_runs(variant, monkeypatch, files_no_longer_than):
    monkeypatch.setattr(leases, "BEAT", 0.02)
    with take(variant) as held:
        with files_no_longer_than(1):
            time.sleep(0.3)
        beat = leases.read_sign(held.heartbeat).beat
        while leases.read_sign(held.heartbeat).beat == beat:
            time.sleep(0.01)
        held.check()
        assert leases._holder(variant / "seed-000") == held.heartbeat.name
