"""The results of a run for readers: figures, and one page with all of them."""
