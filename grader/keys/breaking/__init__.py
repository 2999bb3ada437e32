"""Chapter 14, where gradients break: references and named mistakes of its exercises."""
