"""Chapter 2's picture: which tensors are leaves, and which keep a gradient."""
