"""Questions on where gradients break."""
