"""Draws portraits with masks, so that a fresh machine has something real to run on.

The pictures are stylised but honest: gender, age and mask are visible in them, no single cue gives them away, and
MTCNN finds the bare faces. They show that a pipeline works, not how well it would do on photographs.
"""

from maskfold.demo.layout import Summary, answers, draw

__all__ = ["Summary", "answers", "draw"]
