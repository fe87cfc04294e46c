"""See :mod:`willet.drift`."""

from willet.drift import PerformanceDriftDetector, StatisticalDriftDetector

__all__ = ["PerformanceDriftDetector", "StatisticalDriftDetector"]
