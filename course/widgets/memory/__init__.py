"""Chapter 3's picture: tensors over storages, and what an edit breaks."""
