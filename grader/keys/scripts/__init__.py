"""Chapter 12, scripts: references and named mistakes."""
