"""Lets `python -m grader.cli` be the same command, in an environment that was moved."""

from grader.cli import main

main()
