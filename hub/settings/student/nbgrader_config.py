"""nbgrader in a student's server: where the exchange is, who is who, how work is handed in."""

import os
from pathlib import Path

c = get_config()

c.CourseDirectory.course_id = "autograd-course"
c.Exchange.root = os.environ["CLASSROOM_EXCHANGE"]
# Lessons link to ../exercises/NAME/NAME.ipynb.
c.Exchange.assignment_dir = str(Path.home() / "exercises")

# Whether somebody is in the class is the hub's to say.
c.Authenticator.plugin_class = "nbgrader.auth.JupyterHubAuthPlugin"

# nbgrader hands in under the name of the Unix account. In a trial without accounts that is yours,
# for everybody, so the hub's name is taken there.
if not os.environ["CLASSROOM_ACCOUNTS"]:
    c.CourseDirectory.student_id = os.environ["JUPYTERHUB_USER"]

# A submission appears in the exchange whole or not at all, and says in a sentence what went wrong.
c.ExchangeFactory.submit = "classroom.submitting.Submit"

# nbgrader's limit for one notebook or file is 100 MB, in kB. A megabyte holds every exercise with
# room to spare, and a notebook that grew beyond ten is one whose outputs should be cleared.
c.CourseDirectory.max_file_size = 10_000
c.CourseDirectory.max_dir_size = 50_000

# Validating runs the notebook in a kernel of its own: over ipc as well, see
# jupyter_server_config.py.
c.KernelManager.transport = "ipc"
# The seconds of one cell. Where everybody validates at once, `import torch` takes some of them.
c.Execute.timeout = 120
# nbgrader reads any text on stderr as a failure, a warning of torch's too.
c.IgnorePattern.enabled = True
c.IgnorePattern.pattern = r"(?s)."
