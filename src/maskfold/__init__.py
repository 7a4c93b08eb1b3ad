"""maskfold: from a folder of face photographs to a scored submission."""

__version__ = "0.1.0"
