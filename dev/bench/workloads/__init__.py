"""Scripts that a benchmark starts as processes, the same source for Towpath and for Prefect: only the import differs."""
