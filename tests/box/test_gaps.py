"""What is forked from a process whose gaps are filled makes its objects on pages of its own."""

import subprocess
import sys

PROGRAM = """
import os
from grader.box.inside import gaps

def with_gaps(make, every):
    made = [make() for _ in range(300 * every)]
    del made[::every]  # a gap on every page or so
    return made

def faults():
    child = os.fork()
    if child == 0:
        made = [make() for make, _ in kinds for _ in range(300)]
        os._exit(0)
    return os.wait4(child, 0)[2].ru_minflt

kinds = [(lambda: bytes(200), 16), (lambda: bytearray(3000), 3)]
kept = [with_gaps(*kind) for kind in kinds]
before = faults()
gaps.fill()
print(before, faults())
"""


def test_objects_made_after_the_fork_share_fresh_pages():
    program = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(program, capture_output=True, text=True, check=True)
    before, after = map(int, done.stdout.split())
    assert after < before - 250, (before, after)
