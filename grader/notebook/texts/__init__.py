"""The course's texts: where they lie, how one leads to another, and how they become notebooks."""
