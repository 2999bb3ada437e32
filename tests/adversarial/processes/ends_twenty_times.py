"""Cells of its own end the process, as often as a submission may, before anything is answered.

Earns: nothing
Told: Cells *, *, * and 17 more: The process exited with status 1.
Told: Cell *: Not run: this submission ended its process too often. It may use 20. Nothing *
Learner: ended its process too often
Because: it has used up what it may, and what was not run earns nothing; a person is told.
"""

# %% after imports
__import__("os")._exit(1)

# %% after imports
__import__("os")._exit(1)

# %% after imports
__import__("os")._exit(1)

# %% after imports
__import__("os")._exit(1)

# %% after imports
__import__("os")._exit(1)

# %% after imports
__import__("os")._exit(1)

# %% after imports
__import__("os")._exit(1)

# %% after imports
__import__("os")._exit(1)

# %% after imports
__import__("os")._exit(1)

# %% after imports
__import__("os")._exit(1)

# %% after imports
__import__("os")._exit(1)

# %% after imports
__import__("os")._exit(1)

# %% after imports
__import__("os")._exit(1)

# %% after imports
__import__("os")._exit(1)

# %% after imports
__import__("os")._exit(1)

# %% after imports
__import__("os")._exit(1)

# %% after imports
__import__("os")._exit(1)

# %% after imports
__import__("os")._exit(1)

# %% after imports
__import__("os")._exit(1)

# %% after imports
__import__("os")._exit(1)
