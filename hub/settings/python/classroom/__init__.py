"""What runs in the classroom's servers beside nbgrader: starting one, and handing in."""
