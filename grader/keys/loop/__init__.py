"""Chapter 6, the optimizer loop: references and named mistakes."""
