"""Learning curves of whole workspaces and of TensorBoard's event files, as one long table."""
