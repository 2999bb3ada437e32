"""A classroom on one machine: JupyterHub, nbgrader and the course, prepared and started."""
