"""Questions on scripts."""
