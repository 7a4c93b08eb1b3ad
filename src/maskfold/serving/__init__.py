"""A model behind HTTP: photographs in, answers out."""
