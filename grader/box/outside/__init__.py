"""The judge's side of its boxes: making, walling, watching and ending them.

No box ever sees this room.
"""
