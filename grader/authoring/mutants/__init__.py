"""Right answers changed one thing at a time: which of the wrong ones that come of it get through.

Never on a student's side, never in a box.
"""
