"""Share numbered tasks among processes of one job.

The processes are forks: they have the imports, data and signal handlers of this process. One that is killed does not
stop the others. After an error the others finish what they have begun, and begin no more.
"""

import json
import logging
import mmap
import os
import signal
import tempfile
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import IO, Any

from calotype.jobs.signals import StoppedError
from calotype.util.children import FAILED, MAY_PASS, cause_of, in_children
from calotype.util.entry_point import may_pass
from calotype.util.errors import CalotypeError

logger = logging.getLogger(__name__)

SIZE = 4  # bytes of a number
STOPPED = 3  # exit status of a process that stopped
Check = Callable[[], None]
Work = Callable[[Iterator[int], Check], None]


class _Shared:
    """The state that all processes see: the tasks, and each process's current task and last words."""

    def __init__(self, numbers: Sequence[int], words: Sequence[IO[str]]) -> None:
        self.words, self.parent = words, os.getpid()
        self.current = mmap.mmap(-1, SIZE * len(words))  # by process: the number of the task plus one, or 0
        self.queue, source = os.pipe()  # each read takes one number, also if several processes read at a time
        os.write(source, b"".join(number.to_bytes(SIZE) for number in numbers))
        os.close(source)

    def numbers(self, process: int) -> Iterator[int]:
        """Take tasks for a process until none is left."""
        at = slice(SIZE * process, SIZE * (process + 1))
        while taken := os.read(self.queue, SIZE):
            number = int.from_bytes(taken)
            self.current[at] = (number + 1).to_bytes(SIZE)
            yield number
            self.current[at] = bytes(SIZE)

    def begun(self, process: int) -> int | None:
        """Return the task that a process has begun and not finished."""
        number = int.from_bytes(self.current[SIZE * process : SIZE * (process + 1)])
        return number - 1 if number else None

    def drop(self) -> None:
        """Let no process begin another task."""
        while os.read(self.queue, 1000 * SIZE):
            pass

    def tell(self, process: int, **words: Any) -> None:
        """Write the last words of a process."""
        json.dump(words, self.words[process])
        self.words[process].flush()

    def told(self, process: int) -> Mapping[str, Any]:
        """Return the last words of a process; none if it was killed."""
        self.words[process].seek(0)
        text = self.words[process].read()
        return dict(json.loads(text)) if text else {}


def _file_in_memory() -> IO[str]:
    """Open a file that no full disk affects, on Linux."""
    return os.fdopen(os.memfd_create("words"), "w+") if hasattr(os, "memfd_create") else tempfile.TemporaryFile("w+")


@contextmanager
def _shared(numbers: Sequence[int], processes: int) -> Iterator[_Shared]:
    with ExitStack() as stack:
        found = _Shared(numbers, [stack.enter_context(_file_in_memory()) for _ in range(processes)])
        stack.callback(os.close, found.queue)
        stack.enter_context(found.current)
        yield found


def share(numbers: Sequence[int], processes: int, work: Work, check: Check, what: str) -> None:
    """Do tasks in child processes, and return when all are done.

    Args:
        numbers: of the tasks.
        processes: their number.
        work: does the tasks that an iterator gives, and calls a check between its steps. A `StoppedError` of the check
            ends it.
        check: raises a `StoppedError` when the work must stop.
        what: the name of a task in messages.

    Raises:
        StoppedError: the work stopped; all processes have ended.
        CalotypeError: a process was killed, or ended with this error.
    """
    stopped: StoppedError | None = None

    def pass_on(children: Collection[int]) -> None:
        nonlocal stopped
        if stopped is None:
            try:
                check()
            except StoppedError as error:
                stopped = error
                for child in children:
                    os.kill(child, signal.SIGTERM if error.saves else signal.SIGKILL)

    with _shared(numbers, processes) as shared:
        functions = {str(process): partial(_in_child, shared, process, work, check) for process in range(processes)}
        ended = []
        for child in in_children(functions, processes, pass_on):
            ended.append(child)
            if child.status < 0 and stopped is None:
                logger.warning("%s", _killed(what, shared.begun(int(child.name)), child.status))
        words = {child.name: shared.told(int(child.name)) for child in ended}
        if stopped is not None and not stopped.saves:
            stopped.saved = False
            raise stopped
        for child in ended:
            if child.status in (FAILED, MAY_PASS):
                kind = CalotypeError if words[child.name].get("known") else RuntimeError
                raise kind(words[child.name].get("text", "no message")) from cause_of([child])
        if killed := [child for child in ended if child.status < 0]:
            texts = [_killed(what, shared.begun(int(child.name)), child.status) for child in killed]
            hint = "request more memory if it ran out, or set a smaller `side_by_side`."
            raise CalotypeError(" ".join(texts), hint) from cause_of(killed)
        if any(child.status == STOPPED for child in ended):
            each = [words[child.name] for child in ended if child.status == STOPPED]
            stopped = stopped or StoppedError(each[0]["by"])
            stopped.saved = all(one["saved"] for one in each)
            stopped.idle = len(each) == len(ended) and all(one["idle"] for one in each)
            raise stopped
    check()


def _killed(what: str, number: int | None, status: int) -> str:
    begun = "A process" if number is None else f"{what} {number}: its process"
    return f"{begun} was killed by {signal.Signals(-status).name}."


def _in_child(shared: _Shared, process: int, work: Work, check: Check) -> int:
    def check_both() -> None:
        if os.getppid() != shared.parent:  # nobody holds the leases any more
            raise StoppedError("the end of the process that started it", saves=False)
        check()

    try:
        work(shared.numbers(process), check_both)
    except StoppedError as stopped:
        shared.tell(process, by=stopped.by, saved=stopped.saved, idle=stopped.idle)
        return STOPPED
    except Exception as error:
        shared.drop()
        known = isinstance(error, CalotypeError)
        if known and error.__cause__ is not None:
            logger.debug("Caused by:", exc_info=error.__cause__)
        shared.tell(process, known=known, text=str(error) if known else f"\n{traceback.format_exc()}")
        return MAY_PASS if may_pass(error) else FAILED
    return 0
