"""Looks for keys, solutions, other submissions, the gradebook and the verdicts in all files.

Earns: everything
Told: nothing
Learner: found nothing
Because: none of them exists in a box.
"""

# %% after imports
import os

wanted = ("gradebook.db", "verdicts.db", "nbgrader_config.py", "hostile.md", "hostile.ipynb")
found = []
for place, folders, names in os.walk("/"):
    folders[:] = [one for one in folders if one not in ("proc", "sys", "usr", "site-packages")]
    parts = place.split("/")
    if parts[-1] in ("keys", "trusted", "recorded", "judge") and "grader" in parts and names:
        found.append(place)
    found += [f"{place}/{name}" for name in names if name in wanted]
    if parts[-1] in ("solutions", "submitted", "autograded", "feedback"):
        found.append(place)
print("found", found or "nothing")
