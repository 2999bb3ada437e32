"""Grades for the gradebooks of Canvas and Moodle, as the files that these import."""
