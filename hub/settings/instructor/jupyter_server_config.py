"""An instructor's own server: a student's, and Course List, which opens the class's formgrader."""

c = get_config()

c.ServerApp.jpserver_extensions = {
    "nbgrader.server_extensions.course_list": True,
    "nbgrader.server_extensions.assignment_list": False,
    "nbgrader.server_extensions.validate_assignment": True,
    # The gradebook lies with the grader's account, whose formgrader is a service of the hub.
    "nbgrader.server_extensions.formgrader": False,
}

# As for students: no other user of this machine can connect to a kernel.
c.KernelManager.transport = "ipc"
