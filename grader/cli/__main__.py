"""Lets `python -m grader.cli` be the same command, in an environment that was moved."""

from grader.cli import main

if __name__ == "__main__":  # processes that judge import this module as well
    main()
