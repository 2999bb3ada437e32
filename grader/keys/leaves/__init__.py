"""Chapter 2, leaf tensors: references and named mistakes."""
