"""Questions on the tensor toolbox."""
