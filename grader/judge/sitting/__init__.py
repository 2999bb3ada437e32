"""One submission run in a box, and judged."""
