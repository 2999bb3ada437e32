"""A student's server: the start page, nbgrader's two extensions for students, closed kernels."""

import os
from pathlib import Path

from grader.start.paths import LABEXTENSIONS

c = get_config()

# Links of the start page open an exercise at its heading.
c.LabApp.extra_labextensions_path = [str(LABEXTENSIONS)]

# An exercise that comes back for review starts from its release, where it was handed out.
outbound = Path(os.environ["CLASSROOM_EXCHANGE"], "autograd-course", "outbound")
os.environ["AUTOGRAD_COURSE_RELEASES"] = str(outbound)

# nbgrader's package switches all four on. A student fetches, submits (assignment_list) and
# validates.
c.ServerApp.jpserver_extensions = {
    "grader.start": True,
    "nbgrader.server_extensions.assignment_list": True,
    "nbgrader.server_extensions.validate_assignment": True,
    "nbgrader.server_extensions.formgrader": False,
    "nbgrader.server_extensions.course_list": False,
}

# A kernel's channels are TCP ports of this machine by default, to which every other user can
# connect. Over ipc they are sockets in a folder of its owner's that is closed to others. One port
# is left: there ipykernel takes what child processes print, sends nothing, and drops what lacks a
# secret of its own. Only for students: the grader's submissions run in boxes, and its server has
# no need of it.
c.KernelManager.transport = "ipc"

# What a student leaves open ends by itself: kernels after an hour, the server an hour later. Work
# is on the disk, where JupyterLab saved it; signing in again starts a server.
c.MappingKernelManager.cull_idle_timeout = 3600
c.MappingKernelManager.cull_interval = 300
c.ServerApp.shutdown_no_activity_timeout = 3600
