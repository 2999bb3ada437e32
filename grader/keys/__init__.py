"""The trusted halves of the exercises, one module per chapter, named like the tasks' modules."""
