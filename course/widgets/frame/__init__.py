"""What every picture stands in: its player, its look, shapes, layout, names and values."""
