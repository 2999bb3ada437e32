"""Measurements of the course, each run by hand or by `make bench`.

Whoever uses the course has its compiled files, so processes that are measured keep them as well.
"""

import os
import sys

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
