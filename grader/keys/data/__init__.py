"""Chapter 11, data: references and named mistakes."""
