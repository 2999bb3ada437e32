"""What a watch sees of a step and writes down, and how to ask what was written."""
