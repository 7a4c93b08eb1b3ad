"""The competition's data set: seven photographs of each person; the file name states how the mask is worn."""

from maskfold.dataset.competition.reader import read_competition

__all__ = ["read_competition"]
