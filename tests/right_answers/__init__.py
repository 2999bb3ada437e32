"""Right answers written in other ways than the model solutions: all of them earn full credit.

One module per chapter, each with `ANSWERS`: exercise id to a list of answers, an answer being the
functions in the order `check` takes them.
"""
