"""Draws portraits of people with and without face masks, so that a fresh machine has something real to run on.

Gender, age and mask are visible in the pictures, no single cue decides any of them, and the face detector MTCNN
finds the bare faces. The pictures show that a pipeline works, not how well it does on photographs.

Units: a *face unit* is half a face's width, in life about 69 mm, in a picture of 384 x 512 about 74 pixels. Most
sizes of features are near the averages of adult faces (eyes 63 mm apart are 0.455 each way from the middle). Where no
other reason is given, a number was chosen by eye, for the look that the words beside it name.

From the ground up: ``canvas``, ``outline`` and ``chance`` know no faces; ``person``, ``mask`` and ``shot`` say what is
in a picture and ``population`` who is drawn; ``easel`` and ``relief`` turn face units and light into pixels; the
painters stand on these; ``portrait`` calls them in order, and ``folder`` fills a data set.
"""

from portraits.folder import ArgumentError, ProcessKilledError, Summary, draw

__all__ = ["ArgumentError", "ProcessKilledError", "Summary", "draw"]
