"""Questions on functions of your own."""
