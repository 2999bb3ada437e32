"""What a notebook and a cell are here, before and after nbformat has them."""

from __future__ import annotations

from typing import Any

Notebook = Any
"""An nbformat v4 notebook: nbformat ships no types for mypy to read."""

Cell = dict[str, Any]
"""A cell of one, before it has its id."""
