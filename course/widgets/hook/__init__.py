"""Chapter 5's picture: every hook of a small network, in the order in which they run."""
