"""The picture of a whole net: its modules as boxes that open, and gradients on their way back."""
