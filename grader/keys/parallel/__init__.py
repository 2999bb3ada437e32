"""Chapter 13, parallel training: references and named mistakes."""
