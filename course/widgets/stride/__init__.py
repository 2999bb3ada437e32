"""Chapter 9's picture: which cell of a storage each entry of a tensor looks at."""
