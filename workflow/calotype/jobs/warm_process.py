"""Run entry points in forks of one process that has already imported their libraries.

The import of TensorFlow takes longer than the training of a small model. The first entry point of a call of Snakemake
starts a server, which imports the libraries and computes nothing. The server forks a child for each entry point, which
runs the same script: with the environment, folder, terminal and signals of the process that Snakemake started. That
process waits and ends like the child. The server ends with its Snakemake, or when it is idle.

Without a server, the entry point runs in its own process. Its results are the same.
"""

import atexit
import hashlib
import importlib
import json
import logging
import os
import pkgutil
import runpy
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterable, Sequence
from contextlib import suppress
from types import FrameType
from typing import Any

from calotype.jobs import gpus
from calotype.util.processes import born

CALL = "CALOTYPE_CALL"  # the environment variable with the process of the call of Snakemake
OWN = ("CUDA_VISIBLE_DEVICES",)  # variables that libraries read only when they compute, so that they may differ
IDLE = 60.0  # seconds without a child until the server ends
POLL = 0.2  # seconds between two checks that its Snakemake lives
ATTEMPTS = 100  # to reach a server that another process is just starting
BEGUN, STATUS = b"b", b"s"  # first bytes of a child's messages
FORWARDED = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT, signal.SIGHUP)

_forked = False  # whether this process is a child of the server


def offer() -> None:
    """Let the entry points of this call of Snakemake share a server; Snakemake passes its environment on to them."""
    os.environ[CALL] = str(os.getpid())


def take_over_training(model: str) -> None:
    """Run the calling script, which trains a model, in a fork that has imported its libraries; see `take_over`.

    A TensorFlow with CUDA is not forked: CUDA works in no fork of a process that has started it, and no test on a GPU
    has shown that the import does not.
    """
    scikit = model.startswith("sklearn.")
    if not scikit and gpus.tensorflow_uses_them():
        return
    library = "sklearn_model" if scikit else "keras_trainer"
    parts = [f"calotype.training.{part}" for part in (library, "loop", "predicting", "provenance")]
    take_over(["snakemake.iocontainers", "snakemake.logging", "calotype.util.package_versions:read", *parts])


def take_over(prepared: Sequence[str]) -> None:
    """Run the calling script in a fork of the server, and end this process as the fork ends.

    Return instead if this process is the fork, or if there is no server: then the script runs here.

    Args:
        prepared: modules that the server imports, and functions that it calls, such as ``calotype.util:function``.
    """
    if _forked or sys.platform != "linux" or not os.environ.get(CALL):  # macOS forbids forks of such processes
        return
    try:
        if born(call := int(os.environ[CALL])) is None:  # a process of another machine or container
            return
        server = _reach(call, prepared)
        signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED)  # until they are passed on
        server.sendall(_request())
        socket.send_fds(server, [b"f"], [1, 2])
        if server.recv(1) != BEGUN:
            raise ConnectionError
    except (OSError, ValueError):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
        return
    sys.exit(_wait(server))


# ---- The process that Snakemake started ------------------------------------------------------------------------------


def _reach(call: int, prepared: Sequence[str]) -> socket.socket:
    """Connect to the server of a call, and start it if there is none."""
    settings = {name: value for name, value in sorted(os.environ.items()) if name not in OWN}
    parts = json.dumps([os.getuid(), call, born(call), sys.executable, settings, *prepared])
    # In Linux's abstract namespace: the name vanishes with the server, and only one process can bind it.
    name = f"\0calotype-{hashlib.sha256(parts.encode()).hexdigest()}"
    for _ in range(ATTEMPTS):
        server = socket.socket(socket.AF_UNIX)
        try:
            server.connect(name)
            _check_peer(server)
            return server
        except ConnectionRefusedError:
            server.close()
        with socket.socket(socket.AF_UNIX) as listener, suppress(OSError):
            listener.bind(name)
            listener.listen(socket.SOMAXCONN)
            command = [sys.executable, "-P", "-m", __name__, str(listener.fileno()), str(call), *prepared]
            quiet: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
            subprocess.Popen(command, pass_fds=[listener.fileno()], start_new_session=True, **quiet)
            continue
        time.sleep(0.02)  # another process has bound it, but does not listen yet
    raise ConnectionRefusedError


def _check_peer(peer: socket.socket) -> None:
    """Raise a PermissionError if the other process is not of this user: an abstract name has no permissions."""
    _, user, _ = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    if user != os.getuid():
        raise PermissionError


def _request() -> bytes:
    ignored = [int(number) for number in FORWARDED if signal.getsignal(number) == signal.SIG_IGN]  # such as nohup
    folder, mask = os.getcwd(), os.umask(0)
    os.umask(mask)
    request = {"argv": sys.argv, "environment": dict(os.environ), "folder": folder, "mask": mask, "ignored": ignored}
    text = json.dumps(request).encode()
    return struct.pack("!I", len(text)) + text


def _wait(server: socket.socket) -> int:
    """Pass signals on to the child, and return its exit status."""

    def forward(number: int, frame: FrameType | None) -> None:
        del frame
        with suppress(OSError):
            server.sendall(bytes([number]))

    for number in FORWARDED:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, forward)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
    with suppress(OSError):
        if server.recv(1) == STATUS:
            return server.recv(1)[0]
    return 1  # child and server were killed


# ---- The server ------------------------------------------------------------------------------------------------------


def serve(listener: socket.socket, call: int, prepared: Iterable[str]) -> None:
    """Prepare, and fork a child for each connection until the call of Snakemake ends or nothing is asked."""
    for number in FORWARDED:  # Slurm signals all processes of a job
        signal.signal(number, signal.SIG_IGN)
    began = born(call)
    for name in prepared:
        with suppress(ImportError):  # the child imports it from its own search path, or tells
            found = pkgutil.resolve_name(name)
            if callable(found):
                found()
    children: dict[int, socket.socket] = {}
    active = time.monotonic()
    reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while born(call) == began is not None and time.monotonic() - active < IDLE:
        ready, _, _ = select.select([listener.fileno(), reader], [], [], POLL)
        if reader in ready:
            os.read(reader, 4096)
        if listener.fileno() in ready:
            peer, _ = listener.accept()
            if not (child := os.fork()):
                _become_child(peer, [listener, *children.values()], [reader, writer])
            children[child] = peer
        _reap(children)
        if children or ready:
            active = time.monotonic()


def _reap(children: dict[int, socket.socket]) -> None:
    """Tell the processes that wait for children which of them were killed; others have told it themselves."""
    for child in [*children]:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            with suppress(OSError), children.pop(child) as peer:
                if os.WIFSIGNALED(status):
                    peer.sendall(STATUS + bytes([128 + os.WTERMSIG(status)]))


# ---- The child -------------------------------------------------------------------------------------------------------


def _become_child(peer: socket.socket, sockets: Iterable[socket.socket], pipe: Iterable[int]) -> None:
    """Run the script of the process at the other end, and end."""
    global _forked
    status = 1
    try:
        _forked = True
        signal.set_wakeup_fd(-1)
        for each in sockets:
            each.close()
        for descriptor in pipe:
            os.close(descriptor)
        _check_peer(peer)
        _take(peer)
        if drawing := sys.modules.get("numpy.random"):
            drawing.seed()  # as in a new process; forks of one process would draw the same numbers
        peer.sendall(BEGUN)
        threading.Thread(target=_listen, args=(peer,), daemon=True).start()
        status = _run(sys.argv[0])
        with suppress(OSError):
            peer.sendall(STATUS + bytes([status & 255]))
    finally:
        os._exit(status)


def _take(peer: socket.socket) -> None:
    """Take the arguments, environment, folder, terminal and signals of the process at the other end."""
    (length,) = struct.unpack("!I", _read(peer, 4))
    request = json.loads(_read(peer, length))
    _, descriptors, *_ = socket.recv_fds(peer, 1, 2)
    for descriptor, number in zip(descriptors, (1, 2), strict=True):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    os.umask(request["mask"])
    sys.argv = request["argv"]
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number in FORWARDED:
        if number not in request["ignored"]:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


def _read(peer: socket.socket, length: int) -> bytes:
    text = b""
    while len(text) < length:
        if not (more := peer.recv(length - len(text))):
            raise EOFError
        text += more
    return text


def _listen(peer: socket.socket) -> None:
    """Signal this process as the other one is signalled; SIGTERM if that was killed."""
    with suppress(OSError):
        while number := peer.recv(1):
            os.kill(os.getpid(), number[0])
    os.kill(os.getpid(), signal.SIGTERM)


def _run(script: str) -> int:
    """Run a script as Python does, and return its exit status."""
    status = 0
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
        status = 1
    atexit._run_exitfuncs()
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    return status


if __name__ == "__main__":
    # Not the module `__main__`, so that the script finds the same one.
    importlib.import_module("calotype.jobs.warm_process").serve(
        socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]), sys.argv[3:]
    )
