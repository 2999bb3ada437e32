"""Cells of its own that each write more than is kept.

Earns: everything
Told: Cells *, *, * and 27 more: * characters of their output were not kept.
Because: what is not kept costs nobody anything, and is told in one line.
"""

# %% after imports
print(300_000 * "x")

# %% after imports
print(300_000 * "x")

# %% after imports
print(300_000 * "x")

# %% after imports
print(300_000 * "x")

# %% after imports
print(300_000 * "x")

# %% after imports
print(300_000 * "x")

# %% after imports
print(300_000 * "x")

# %% after imports
print(300_000 * "x")

# %% after imports
print(300_000 * "x")

# %% after imports
print(300_000 * "x")

# %% after imports
print(300_000 * "x")

# %% after imports
print(300_000 * "x")

# %% after imports
print(300_000 * "x")

# %% after imports
print(300_000 * "x")

# %% after imports
print(300_000 * "x")

# %% after imports
print(300_000 * "x")

# %% after imports
print(300_000 * "x")

# %% after imports
print(300_000 * "x")

# %% after imports
print(300_000 * "x")

# %% after imports
print(300_000 * "x")

# %% after imports
print(300_000 * "x")

# %% after imports
print(300_000 * "x")

# %% after imports
print(300_000 * "x")

# %% after imports
print(300_000 * "x")

# %% after imports
print(300_000 * "x")

# %% after imports
print(300_000 * "x")

# %% after imports
print(300_000 * "x")

# %% after imports
print(300_000 * "x")

# %% after imports
print(300_000 * "x")

# %% after imports
print(300_000 * "x")
