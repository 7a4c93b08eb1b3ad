"""Prefect and MLflow servers of this machine: only the user that starts them can use them."""
