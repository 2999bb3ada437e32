"""Chapter 7's picture: what is averaged, and which sample has influence on which."""
