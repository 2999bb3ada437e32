"""A made-up class, drawn from the named mistakes, to try grading and reports on."""
