"""nbgrader in an instructor's own server: enough for Course List to find the class."""

import os

c = get_config()

c.CourseDirectory.course_id = "autograd-course"
c.Exchange.root = os.environ["CLASSROOM_EXCHANGE"]
c.Authenticator.plugin_class = "nbgrader.auth.JupyterHubAuthPlugin"
c.KernelManager.transport = "ipc"
