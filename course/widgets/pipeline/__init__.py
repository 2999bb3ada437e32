"""Chapter 13's picture: who works when in a pipeline, and who waits."""
