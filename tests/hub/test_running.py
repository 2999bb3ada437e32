"""What `python -m hub` leaves behind when it ends: nothing, however its processes end."""

import subprocess
import sys

# Ends all below it, though a first look through /proc misses the one process that is left.
_ENDS = """
import ctypes
import os
import subprocess
import sys

from hub import running

ctypes.CDLL(None).prctl(running._SUBREAPER, 1, 0, 0, 0)
deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True); time.sleep(60)"
parent = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {deaf!r}])"
begun = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE)
begun.stdout.readline()
begun.wait()
looks = []

def torn(top, look=running._descendants):
    looks.append(1)
    return look(top) if len(looks) > 1 else iter(())

running._descendants = torn
running._end_descendants()
try:
    os.waitpid(-1, os.WNOHANG)
except ChildProcessError:
    left = "nobody"
else:
    left = "somebody"
print(len(looks) > 1, left)
"""


def test_a_look_that_misses_a_process_whose_parent_ends_leaves_none():
    done = subprocess.run(
        [sys.executable, "-c", _ENDS], capture_output=True, text=True, timeout=300
    )
    assert done.stdout == "True nobody\n", done.stderr
