"""The trusted half of grading: draws hidden cases, compares, decides, and keeps the record."""
