"""Feedback and formgrader's pages, with nothing live in them."""

from grader.judge.pages.settings import configure

__all__ = ["configure"]
