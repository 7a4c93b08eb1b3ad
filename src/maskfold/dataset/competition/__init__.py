"""The competition's data set: people with seven photographs each, whose names say how the mask is worn."""

from maskfold.dataset.competition.reader import read_competition

__all__ = ["read_competition"]
