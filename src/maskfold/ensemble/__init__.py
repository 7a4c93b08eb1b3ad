"""From the folds' probabilities to one answer: out-of-fold table, vote, scores, submission."""
