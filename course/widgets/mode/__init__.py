"""Chapter 4's picture: what each grad mode makes of the lines of a program."""
