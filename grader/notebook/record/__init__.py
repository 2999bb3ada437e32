"""A learner's own record: what went well, what comes back, and the file that keeps it."""
