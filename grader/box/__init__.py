"""The sandboxed processes in which a submission's code runs."""
