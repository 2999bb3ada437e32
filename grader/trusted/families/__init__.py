"""Mistakes that several exercises share: each family makes them for a key that opts in."""
