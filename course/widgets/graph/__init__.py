"""Chapter 1's picture: the recorded graph, and gradients on their way through it."""
