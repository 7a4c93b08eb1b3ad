"""Faces: detect, choose, crop, pack."""

import maskfold.torchvision_ops  # noqa: F401  before facenet_pytorch, which imports torchvision
from maskfold.faces.cropping import Packs, pack_faces
from maskfold.faces.detections import Detections
from maskfold.faces.outliers import outliers
from maskfold.faces.search import detect_share
from maskfold.faces.summary import class_shares, shares

__all__ = ["Detections", "Packs", "class_shares", "detect_share", "outliers", "pack_faces", "shares"]
