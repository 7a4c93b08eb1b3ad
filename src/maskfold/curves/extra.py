"""TensorBoard's package, an optional extra."""

from __future__ import annotations

from maskfold.errors import InputError


def require_tensorboard() -> None:
    """Make sure that TensorBoard's package is there.

    Raises:
        InputError: If it is not, with the command that installs it.
    """
    try:
        import tensorboard.compat.proto.event_pb2  # noqa: F401
    except ImportError as error:
        raise InputError(
            f"event files of TensorBoard need its package, which is not installed ({error}); "
            "pip install 'maskfold[tensorboard]'"
        ) from None
