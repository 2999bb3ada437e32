"""Chapter 5, hooks: references and named mistakes."""
