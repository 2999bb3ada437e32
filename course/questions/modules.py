"""Questions on modules."""
