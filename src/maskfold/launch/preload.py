"""What the fork server imports once, so that every job starts with it in memory."""

import maskfold.dataset
import maskfold.ensemble
import maskfold.faces
import maskfold.torchvision_ops
import maskfold.training.artifacts
import maskfold.training.loop  # noqa: F401 - imports timm and scikit-learn, which takes more than a second
