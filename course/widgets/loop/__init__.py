"""Chapter 6's picture: the training loop, line by line, on a real optimizer."""
