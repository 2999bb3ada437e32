"""Chapter 4, grad modes and freezing: references and named mistakes."""
