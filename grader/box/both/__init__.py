"""What both ends of a box know: frames, limits, levels, system calls, and how a box can end.

It is seen from inside, so it may import nothing of `outside`.
"""
