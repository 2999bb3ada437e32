"""A file torch.py, ipykernel_launcher.py, sitecustomize.py and more lie beside the notebook.

Earns: everything
Told: nothing
Because: torch was there first, nothing of the judge's is looked up in a submission's folder, and a
    learner's helper that is called like a module costs nobody marks.
"""

# %% file torch.py
raise SystemExit("a shadow of torch")

# %% file ipykernel_launcher.py
open("/tmp/autograd-course-escaped-launcher", "w").close()

# %% file sitecustomize.py
open("/tmp/autograd-course-escaped-site", "w").close()

# %% file usercustomize.py
open("/tmp/autograd-course-escaped-user", "w").close()

# %% file nbgrader_config.py
c.Grading.isolation = "none"

# %% file random.py
raise ImportError("a shadow of random")

# %% file json.py
loads = dumps = None

# %% file alembic.py
raise SystemExit
