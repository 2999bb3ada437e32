"""What a process that judges has loaded: imported once, before the processes are forked from it."""

from __future__ import annotations

import gc
from importlib import import_module

gc.disable()  # it would look through what is imported again and again, and find nothing
import_module("torch")
import_module("grader.judge.sitting.examiner")
gc.freeze()
gc.enable()
