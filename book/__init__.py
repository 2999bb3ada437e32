"""The course as static pages: lessons, exercises and errors, read without a kernel or a network."""
