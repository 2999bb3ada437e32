"""Chapter 8, functions of one's own: references and named mistakes."""
