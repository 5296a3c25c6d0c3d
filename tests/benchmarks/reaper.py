"""Run a command and wait for all its descendants, also those that it does not wait for, so that their cost counts."""

import ctypes
import os
import subprocess
import sys

PR_SET_CHILD_SUBREAPER = 36

if __name__ == "__main__":
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    command, ended = subprocess.Popen(sys.argv[1:]), {}
    try:
        while True:
            child, status = os.wait()
            ended[child] = os.waitstatus_to_exitcode(status)
    except ChildProcessError:
        status = ended[command.pid]
        sys.exit(status if status >= 0 else 128 - status)
