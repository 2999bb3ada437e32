"""The grader's server, which the hub runs as a service: formgrader, and nbgrader's commands."""

c = get_config()

c.ServerApp.jpserver_extensions = {
    "nbgrader.server_extensions.formgrader": True,
    "nbgrader.server_extensions.validate_assignment": True,
    "nbgrader.server_extensions.assignment_list": False,
    "nbgrader.server_extensions.course_list": False,
}

# Formgrader is a page within a page of JupyterLab. JupyterHub forbids that to every server; here a
# page of this very address may, and no other.
c.ServerApp.tornado_settings = {"headers": {"Content-Security-Policy": "frame-ancestors 'self'"}}
