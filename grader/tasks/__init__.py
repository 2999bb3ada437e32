"""The public halves of the exercises, one module per chapter."""
