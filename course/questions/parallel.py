"""Questions on parallel training."""
