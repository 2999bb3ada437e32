"""Programs that raise, each with the code of its explanation and what its cure lets run."""
