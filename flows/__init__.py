"""What runs, in what order: Prefect flows. Nothing here computes; jobs do."""
