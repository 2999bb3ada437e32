"""Questions on data."""
