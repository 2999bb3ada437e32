"""A cell of its own that does not end.

Earns: everything
Told: Cell 3: It ran for * s, which is too long, and was interrupted.
Because: the cell is interrupted when its time is up, and its neighbours are what they were.
"""

# %% before two_path_grad_answer
while True:
    pass
