"""Where two observations differ, and what that says about the mistake.

It compares what it is given and reads neither keys nor recorded answers itself: both halves of
the judge's trust, and a learner's own notebook, come to the same verdict through this room.
"""
