"""The index of errors and symptoms: a page of the workspace, and of the book."""
