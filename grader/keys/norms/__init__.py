"""Chapter 7, normalization layers: references and named mistakes."""
