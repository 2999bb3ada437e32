"""Chapter 8's picture: what arrives at a function's outputs, times its Jacobian."""
