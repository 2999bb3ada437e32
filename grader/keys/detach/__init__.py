"""Chapter 3, detach, clone, .data, in-place edits and views: references and named mistakes."""
