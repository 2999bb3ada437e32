"""Mistakes that several exercises share: a function makes them for any key that opts in."""
