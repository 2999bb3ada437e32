"""Chapter 9, the tensor toolbox: references and named mistakes."""
