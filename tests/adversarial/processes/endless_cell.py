"""A cell of its own that does not end.

Earns: everything
Told: Cell *: The time for this cell was up.
Because: the cell is interrupted when its time is up, and its neighbours are what they were.
"""

# %% before two_path_grad_answer
while True:
    pass
