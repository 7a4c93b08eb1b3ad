"""Studies: recipes compared on equal folds, with differences that are paired over people and seeds."""
