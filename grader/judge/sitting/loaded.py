"""What a process that judges has loaded: imported once, before the processes are forked from it."""

from __future__ import annotations

import atexit
import gc
import os
from importlib import import_module

gc.disable()  # it would look through what is imported again and again, and find nothing
import_module("torch")
import_module("grader.judge.sitting.examiner")
gc.freeze()
gc.enable()

atexit.register(os._exit, 0)  # to take apart all of that takes a fifth of a second
