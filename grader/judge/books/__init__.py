"""The gradebook and the verdict log: what is kept of a class, and the one writer of each."""
