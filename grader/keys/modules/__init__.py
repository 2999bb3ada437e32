"""Chapter 10, modules: references and named mistakes."""
