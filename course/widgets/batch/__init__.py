"""Chapter 11's picture: how numbers become batches, epoch after epoch."""
