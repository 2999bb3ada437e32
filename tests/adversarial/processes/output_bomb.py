"""Prints, displays and writes to both descriptors without end.

Earns: everything
Told: Cell 3: * characters of its output were not kept.
Told: Cell 3: It ran for * s, which is too long, and was interrupted.
Because: the first 256 KiB are kept and its time is up; the answers below are right.
"""

# %% after imports
import os
import sys

from IPython.display import display

while True:
    print("x" * 1000, "y", file=sys.stderr)
    print("x" * 1000)
    display("z" * 100)
    os.write(1, b"w" * 1000)
