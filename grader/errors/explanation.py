"""What an error means and how to cure it, as data."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Explanation:
    """One error: the types that carry it, a pattern found in its text, its meaning, its cure."""

    code: str
    type_names: tuple[str, ...]
    pattern: str
    meaning: str
    cure: str

    def fits(self, type_name: str, message: str) -> bool:
        """Whether an error of this type and text is the one explained."""
        return type_name in self.type_names and bool(re.search(self.pattern, message, re.DOTALL))
