"""Chapter 1, computation graphs: references and named mistakes."""
