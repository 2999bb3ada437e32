"""What an instructor asks once a class is graded: figures, pages and tables of one assignment."""
