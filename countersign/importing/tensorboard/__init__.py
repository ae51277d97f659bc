"""TensorBoard's event files, read with the standard library alone: every scalar, also while they are being written."""

from countersign.importing.tensorboard.log_folder import LogFolder

__all__ = ["LogFolder"]
