"""What was handed in, read without trust and laid onto the assignment's form.

Nothing here runs a submission's code or decides about points.
"""
