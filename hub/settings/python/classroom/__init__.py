"""What runs in the classroom's servers beside nbgrader: starting one, handing in, collecting."""
