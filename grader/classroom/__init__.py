"""A class made and kept: its folder and list, its dates, its people, and what they hand in."""
