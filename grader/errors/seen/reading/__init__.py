"""The reader's own code, and what its names held when the error was raised."""
