"""`make book`, or `python -m book`: the course as pages in a folder."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from book.building import ROOT, build
from book.running import kept
from grader.engine.refusal import Refusal


def main() -> None:
    """Build the book, and say where it lies; a Refusal ends it with its sentences and status 1."""
    parser = argparse.ArgumentParser(prog="python -m book", description="The course as web pages.")
    parser.add_argument("--into", type=Path, default=ROOT / "site", help="the folder of the pages")
    chosen = parser.parse_args()
    work = ROOT / "build" / "book"

    def run(text: Path) -> object:
        print(f"Running {text.stem}", flush=True)
        return kept(text, work / "executed")

    try:
        built = build(chosen.into.resolve(), run, work)
    except Refusal as refusal:
        sys.exit(f"Stopped. {refusal.what}\n{refusal.cure}")
    print(
        f"The book has {built.pages} pages, {built.size / 1e6:.1f} MB. "
        f"Open {built.folder / 'index.html'}"
    )


if __name__ == "__main__":
    main()
