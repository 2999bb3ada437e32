"""What the grader's pod has that a classroom on one machine has not."""
