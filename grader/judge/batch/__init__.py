"""A class: its submissions graded side by side, filed, graded again, or replayed."""
