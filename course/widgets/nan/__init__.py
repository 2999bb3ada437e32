"""Chapter 14's picture: a nan's way through a graph, to the node where it was born."""
