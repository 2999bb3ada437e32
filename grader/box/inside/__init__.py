"""Inside a box, in one process with hostile code: nothing here may hold a secret or be believed."""
