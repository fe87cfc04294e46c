"""See :mod:`willet.drift`."""

from willet.drift import DriftDetector

__all__ = ["DriftDetector"]
