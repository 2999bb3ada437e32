"""`why_no_grad`: one tensor or all of them, with a watch, after the loss is gone, or without."""
