"""A learner's own folder: laid, renewed, begun again, and how far everything in it is."""
