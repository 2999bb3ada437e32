"""Results without a graph and gradients that are None: the line that cut the way."""
