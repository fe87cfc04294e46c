"""Detectors as scikit-learn estimators.

Scores are low where a row is strange, as everywhere in scikit-learn.

Written by ``python -m willet._generate`` from the native tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ._sklearn import Detector

__all__ = [
    "Auto",
    "Autoencoder",
    "Copod",
    "Detector",
    "Ecod",
    "Ensemble",
    "HalfSpaceTrees",
    "Hbos",
    "IsolationForest",
    "LocalOutlierFactor",
    "Loda",
    "Mahalanobis",
    "NearestNeighbours",
    "OneClassSvm",
    "Pca",
    "RandomCutForest",
    "Rare",
    "Seasonal",
    "Statistical",
]


class Auto(Detector):
    """Several views of a series at once: trend and seasons, values alone and together.

    Scores are low where a row is strange, as everywhere in scikit-learn.

    Parameters
    ----------
    contamination
        Share of the fitted rows that lie beyond the threshold, above 0 and at most 0.5.
    seasonality
        Seasons: looked for (auto), none, or given as lengths of time (day, week), which needs rows with times at an
        even pace. Auto, none, or lengths up to a year: hour, day, week, 8h, 90m.
    seed
        The same seed and rows give the same scores.

    References
    ----------
    Willet's own.

    Examples
    --------
    >>> from willet.sklearn import Auto
    >>> rows = [[float(i % 7), float(i % 5)] for i in range(700)]
    >>> detector = Auto(contamination=0.01).fit(rows)
    >>> [low, high] = detector.score_samples([[50.0, 50.0], [3.0, 2.0]])
    >>> bool(low < high)
    True
    """

    _kind = "auto"

    def __init__(
        self,
        *,
        contamination: float = 0.1,
        seasonality: str = 'auto',
        seed: int = 0,
    ) -> None:
        self.contamination = contamination
        self.seasonality = seasonality
        self.seed = seed


class Statistical(Detector):
    """Distance of each feature from its usual value; single values with a stable level.

    Scores are low where a row is strange, as everywhere in scikit-learn.

    Parameters
    ----------
    contamination
        Share of the fitted rows that lie beyond the threshold, above 0 and at most 0.5.
    method
        How far a value is from normal. One of zscore, robust_zscore, ewma, iqr, mad.
    window_size
        How many recent values normal is learned from; zscore and ewma forget at that pace, the others keep a window. A
        whole number from 4 to 1000000.
    smoothing
        Weight of the newest value in the forecast of ewma. A number from 0.001 to 1.
    shingle_size
        How many rows, the newest last, are looked at side by side: from 2 on the detector sees the course of the
        series. A whole number from 1 to 128.
    seed
        The same seed and rows give the same scores.

    References
    ----------
    Shewhart 1931; Iglewicz, Hoaglin 1993; Roberts 1959; Tukey 1977.

    Examples
    --------
    >>> from willet.sklearn import Statistical
    >>> rows = [[float(i % 7), float(i % 5)] for i in range(700)]
    >>> detector = Statistical(contamination=0.01).fit(rows)
    >>> [low, high] = detector.score_samples([[50.0, 50.0], [3.0, 2.0]])
    >>> bool(low < high)
    True
    """

    _kind = "statistical"

    def __init__(
        self,
        *,
        contamination: float = 0.1,
        method: str = 'zscore',
        window_size: int = 1000,
        smoothing: float = 0.3,
        shingle_size: int = 1,
        seed: int = 0,
    ) -> None:
        self.contamination = contamination
        self.method = method
        self.window_size = window_size
        self.smoothing = smoothing
        self.shingle_size = shingle_size
        self.seed = seed


class Seasonal(Detector):
    """Trend and season found and taken out, the rest judged alone and in means; series in time.

    Scores are low where a row is strange, as everywhere in scikit-learn.

    Parameters
    ----------
    contamination
        Share of the fitted rows that lie beyond the threshold, above 0 and at most 0.5.
    window_size
        How many recent rows the shape of deviations is learned from; older ones are forgotten at that pace. A whole
        number from 64 to 1000000.
    seasonality
        Seasons: looked for (auto), none, or given as lengths of time (day, week), which needs rows with times at an
        even pace. Auto, none, or lengths up to a year: hour, day, week, 8h, 90m.
    seed
        The same seed and rows give the same scores.

    References
    ----------
    after Cleveland et al. 1990 and Page, Biometrika 1954.
    """

    _kind = "seasonal"

    def __init__(
        self,
        *,
        contamination: float = 0.1,
        window_size: int = 1000,
        seasonality: str = 'auto',
        seed: int = 0,
    ) -> None:
        self.contamination = contamination
        self.window_size = window_size
        self.seasonality = seasonality
        self.seed = seed


class HalfSpaceTrees(Detector):
    """Half-space trees: how empty was the region in the last window; fast, several features.

    Scores are low where a row is strange, as everywhere in scikit-learn.

    Parameters
    ----------
    contamination
        Share of the fitted rows that lie beyond the threshold, above 0 and at most 0.5.
    n_estimators
        Number of trees. A whole number from 1 to 1000.
    depth
        Depth of each tree. A whole number from 1 to 15.
    window_size
        Rows of a window: what one window holds is normal while the next one fills. A whole number from 32 to 65000.
    size_limit
        Share of a window below which a region is not divided further when it scores. A number from 0 to 1.
    shingle_size
        How many rows, the newest last, are looked at side by side: from 2 on the detector sees the course of the
        series. A whole number from 1 to 128.
    seed
        The same seed and rows give the same scores.

    References
    ----------
    Tan, Ting, Liu, IJCAI 2011.

    Examples
    --------
    >>> from willet.sklearn import HalfSpaceTrees
    >>> rows = [[float(i % 7), float(i % 5)] for i in range(700)]
    >>> detector = HalfSpaceTrees(contamination=0.01).fit(rows)
    >>> [low, high] = detector.score_samples([[50.0, 50.0], [3.0, 2.0]])
    >>> bool(low < high)
    True
    """

    _kind = "hst"

    def __init__(
        self,
        *,
        contamination: float = 0.1,
        n_estimators: int = 25,
        depth: int = 8,
        window_size: int = 250,
        size_limit: float = 0.0,
        shingle_size: int = 1,
        seed: int = 0,
    ) -> None:
        self.contamination = contamination
        self.n_estimators = n_estimators
        self.depth = depth
        self.window_size = window_size
        self.size_limit = size_limit
        self.shingle_size = shingle_size
        self.seed = seed


class IsolationForest(Detector):
    """Isolation forest on a sliding window, renewed a tree at a time; several features.

    Scores are low where a row is strange, as everywhere in scikit-learn.

    Parameters
    ----------
    contamination
        Share of the fitted rows that lie beyond the threshold, above 0 and at most 0.5.
    n_estimators
        Number of trees. A whole number from 1 to 10000.
    max_samples
        Rows each tree is grown from. A whole number from 2 to 65536.
    window_size
        Rows of the window that trees are grown from. A whole number from 32 to 1000000.
    update_frequency
        Rows in which all trees are renewed once, one after the other. A whole number from 1 to 1000000.
    shingle_size
        How many rows, the newest last, are looked at side by side: from 2 on the detector sees the course of the
        series. A whole number from 1 to 128.
    seed
        The same seed and rows give the same scores.

    References
    ----------
    Liu, Ting, Zhou, ICDM 2008; Ding, Fei, IFAC 2013.

    Examples
    --------
    >>> from willet.sklearn import IsolationForest
    >>> rows = [[float(i % 7), float(i % 5)] for i in range(700)]
    >>> detector = IsolationForest(contamination=0.01).fit(rows)
    >>> [low, high] = detector.score_samples([[50.0, 50.0], [3.0, 2.0]])
    >>> bool(low < high)
    True
    """

    _kind = "iforest"

    def __init__(
        self,
        *,
        contamination: float = 0.1,
        n_estimators: int = 100,
        max_samples: int = 256,
        window_size: int = 1000,
        update_frequency: int = 100,
        shingle_size: int = 1,
        seed: int = 0,
    ) -> None:
        self.contamination = contamination
        self.n_estimators = n_estimators
        self.max_samples = max_samples
        self.window_size = window_size
        self.update_frequency = update_frequency
        self.shingle_size = shingle_size
        self.seed = seed


class RandomCutForest(Detector):
    """Random cut forest on a decaying sample, with shingles; several features, or one series whose order matters.

    Scores are low where a row is strange, as everywhere in scikit-learn.

    Parameters
    ----------
    contamination
        Share of the fitted rows that lie beyond the threshold, above 0 and at most 0.5.
    n_estimators
        Number of trees. A whole number from 1 to 1000.
    max_samples
        Rows each tree holds. A whole number from 16 to 16384.
    shingle_size
        Rows that are looked at side by side, the newest last: 1 looks at each row by itself. A whole number from 1 to
        256.
    time_decay
        How much likelier a row is held than the one before it; 0 takes one in ten times the rows of a tree. A number
        from 0 to 1.
    scaling
        Whether features are brought to one scale: standard (each divided by its deviation) or none. One of standard,
        none.
    seed
        The same seed and rows give the same scores.

    References
    ----------
    Guha, Mishra, Roy, Schrijvers, ICML 2016.

    Examples
    --------
    >>> from willet.sklearn import RandomCutForest
    >>> rows = [[float(i % 7), float(i % 5)] for i in range(700)]
    >>> detector = RandomCutForest(contamination=0.01).fit(rows)
    >>> [low, high] = detector.score_samples([[50.0, 50.0], [3.0, 2.0]])
    >>> bool(low < high)
    True
    """

    _kind = "rcf"

    def __init__(
        self,
        *,
        contamination: float = 0.1,
        n_estimators: int = 50,
        max_samples: int = 256,
        shingle_size: int = 1,
        time_decay: float = 0.0,
        scaling: str = 'standard',
        seed: int = 0,
    ) -> None:
        self.contamination = contamination
        self.n_estimators = n_estimators
        self.max_samples = max_samples
        self.shingle_size = shingle_size
        self.time_decay = time_decay
        self.scaling = scaling
        self.seed = seed


class LocalOutlierFactor(Detector):
    """Local outlier factor in a sliding window, exact; clusters of different density.

    Scores are low where a row is strange, as everywhere in scikit-learn.

    Parameters
    ----------
    contamination
        Share of the fitted rows that lie beyond the threshold, above 0 and at most 0.5.
    n_neighbors
        Neighbours that a density is taken from. A whole number from 1 to 1000.
    window_size
        Rows of the window that neighbours are sought in. A whole number from 32 to 100000.
    scaling
        Whether features are brought to one scale: standard (each divided by its deviation in the window) or none. One
        of standard, none.
    shingle_size
        How many rows, the newest last, are looked at side by side: from 2 on the detector sees the course of the
        series. A whole number from 1 to 128.
    seed
        The same seed and rows give the same scores.

    References
    ----------
    Breunig, Kriegel, Ng, Sander, SIGMOD 2000; Pokrajac et al., CIDM 2007.

    Examples
    --------
    >>> from willet.sklearn import LocalOutlierFactor
    >>> rows = [[float(i % 7), float(i % 5)] for i in range(700)]
    >>> detector = LocalOutlierFactor(contamination=0.01).fit(rows)
    >>> [low, high] = detector.score_samples([[50.0, 50.0], [3.0, 2.0]])
    >>> bool(low < high)
    True
    """

    _kind = "lof"

    def __init__(
        self,
        *,
        contamination: float = 0.1,
        n_neighbors: int = 20,
        window_size: int = 1000,
        scaling: str = 'standard',
        shingle_size: int = 1,
        seed: int = 0,
    ) -> None:
        self.contamination = contamination
        self.n_neighbors = n_neighbors
        self.window_size = window_size
        self.scaling = scaling
        self.shingle_size = shingle_size
        self.seed = seed


class NearestNeighbours(Detector):
    """Distance to the nearest rows of a sliding window, exact; clusters of any shape.

    Scores are low where a row is strange, as everywhere in scikit-learn.

    Parameters
    ----------
    contamination
        Share of the fitted rows that lie beyond the threshold, above 0 and at most 0.5.
    n_neighbors
        Neighbours that are looked at. A whole number from 1 to 1000.
    method
        Which of their distances is the score: the largest, the mean or the median. One of largest, mean, median.
    window_size
        Rows of the window that neighbours are sought in. A whole number from 32 to 1000000.
    scaling
        Whether features are brought to one scale: standard (each divided by its deviation in the window) or none. One
        of standard, none.
    shingle_size
        How many rows, the newest last, are looked at side by side: from 2 on the detector sees the course of the
        series. A whole number from 1 to 128.
    seed
        The same seed and rows give the same scores.

    References
    ----------
    Ramaswamy, Rastogi, Shim, SIGMOD 2000; Angiulli, Pizzuti, PKDD 2002.

    Examples
    --------
    >>> from willet.sklearn import NearestNeighbours
    >>> rows = [[float(i % 7), float(i % 5)] for i in range(700)]
    >>> detector = NearestNeighbours(contamination=0.01).fit(rows)
    >>> [low, high] = detector.score_samples([[50.0, 50.0], [3.0, 2.0]])
    >>> bool(low < high)
    True
    """

    _kind = "knn"

    def __init__(
        self,
        *,
        contamination: float = 0.1,
        n_neighbors: int = 20,
        method: str = 'largest',
        window_size: int = 1000,
        scaling: str = 'standard',
        shingle_size: int = 1,
        seed: int = 0,
    ) -> None:
        self.contamination = contamination
        self.n_neighbors = n_neighbors
        self.method = method
        self.window_size = window_size
        self.scaling = scaling
        self.shingle_size = shingle_size
        self.seed = seed


class Copod(Detector):
    """How rare each feature's value is towards both ends or the longer one; many features, no settings.

    Scores are low where a row is strange, as everywhere in scikit-learn.

    Parameters
    ----------
    contamination
        Share of the fitted rows that lie beyond the threshold, above 0 and at most 0.5.
    window_size
        How many recent values the distribution of a feature is made of. A whole number from 32 to 1000000.
    shingle_size
        How many rows, the newest last, are looked at side by side: from 2 on the detector sees the course of the
        series. A whole number from 1 to 128.
    seed
        The same seed and rows give the same scores.

    References
    ----------
    Li, Zhao, Botta, Ionescu, Hu, ICDM 2020.

    Examples
    --------
    >>> from willet.sklearn import Copod
    >>> rows = [[float(i % 7), float(i % 5)] for i in range(700)]
    >>> detector = Copod(contamination=0.01).fit(rows)
    >>> [low, high] = detector.score_samples([[50.0, 50.0], [3.0, 2.0]])
    >>> bool(low < high)
    True
    """

    _kind = "copod"

    def __init__(
        self,
        *,
        contamination: float = 0.1,
        window_size: int = 1000,
        shingle_size: int = 1,
        seed: int = 0,
    ) -> None:
        self.contamination = contamination
        self.window_size = window_size
        self.shingle_size = shingle_size
        self.seed = seed


class Ecod(Detector):
    """How rare each feature's value is towards the nearest end; many features, no settings.

    Scores are low where a row is strange, as everywhere in scikit-learn.

    Parameters
    ----------
    contamination
        Share of the fitted rows that lie beyond the threshold, above 0 and at most 0.5.
    window_size
        How many recent values the distribution of a feature is made of. A whole number from 32 to 1000000.
    shingle_size
        How many rows, the newest last, are looked at side by side: from 2 on the detector sees the course of the
        series. A whole number from 1 to 128.
    seed
        The same seed and rows give the same scores.

    References
    ----------
    Li, Zhao, Hu, Botta, Ionescu, Chen, TKDE 2022.

    Examples
    --------
    >>> from willet.sklearn import Ecod
    >>> rows = [[float(i % 7), float(i % 5)] for i in range(700)]
    >>> detector = Ecod(contamination=0.01).fit(rows)
    >>> [low, high] = detector.score_samples([[50.0, 50.0], [3.0, 2.0]])
    >>> bool(low < high)
    True
    """

    _kind = "ecod"

    def __init__(
        self,
        *,
        contamination: float = 0.1,
        window_size: int = 1000,
        shingle_size: int = 1,
        seed: int = 0,
    ) -> None:
        self.contamination = contamination
        self.window_size = window_size
        self.shingle_size = shingle_size
        self.seed = seed


class Hbos(Detector):
    """How thin each feature's histogram is at its value; many features, very fast.

    Scores are low where a row is strange, as everywhere in scikit-learn.

    Parameters
    ----------
    contamination
        Share of the fitted rows that lie beyond the threshold, above 0 and at most 0.5.
    n_bins
        Bins of each feature's histogram, of equal width from the smallest to the largest value of the window. A whole
        number from 2 to 1000.
    alpha
        Added to every density, so that an empty bin has a finite score. A number from 0.000000001 to 1.
    tol
        How far outside the histogram a value may lie and still count as of the outermost bin, in widths of a bin. A
        number from 0 to 1.
    outside
        What a value further outside counts as: of an empty bin, or of the thinnest one (as PyOD has it). One of empty,
        thinnest.
    window_size
        How many recent rows the histograms are made of. A whole number from 32 to 1000000.
    shingle_size
        How many rows, the newest last, are looked at side by side: from 2 on the detector sees the course of the
        series. A whole number from 1 to 128.
    seed
        The same seed and rows give the same scores.

    References
    ----------
    Goldstein, Dengel, KI 2012.

    Examples
    --------
    >>> from willet.sklearn import Hbos
    >>> rows = [[float(i % 7), float(i % 5)] for i in range(700)]
    >>> detector = Hbos(contamination=0.01).fit(rows)
    >>> [low, high] = detector.score_samples([[50.0, 50.0], [3.0, 2.0]])
    >>> bool(low < high)
    True
    """

    _kind = "hbos"

    def __init__(
        self,
        *,
        contamination: float = 0.1,
        n_bins: int = 10,
        alpha: float = 0.1,
        tol: float = 0.5,
        outside: str = 'empty',
        window_size: int = 1000,
        shingle_size: int = 1,
        seed: int = 0,
    ) -> None:
        self.contamination = contamination
        self.n_bins = n_bins
        self.alpha = alpha
        self.tol = tol
        self.outside = outside
        self.window_size = window_size
        self.shingle_size = shingle_size
        self.seed = seed


class Loda(Detector):
    """Thin places seen from many random directions; many features, fast, says which.

    Scores are low where a row is strange, as everywhere in scikit-learn.

    Parameters
    ----------
    contamination
        Share of the fitted rows that lie beyond the threshold, above 0 and at most 0.5.
    n_random_cuts
        Random directions that rows are looked at from. A whole number from 1 to 1000.
    n_bins
        Bins of a direction's histogram. A whole number from 2 to 250.
    window_size
        Rows of a window: what one window holds is normal while the next one fills. A whole number from 32 to 65000.
    scaling
        Whether features are brought to one scale: standard (each divided by half the width of its middle 98 %) or none.
        One of standard, none.
    shingle_size
        How many rows, the newest last, are looked at side by side: from 2 on the detector sees the course of the
        series. A whole number from 1 to 128.
    seed
        The same seed and rows give the same scores.

    References
    ----------
    Pevný, Machine Learning 2016.

    Examples
    --------
    >>> from willet.sklearn import Loda
    >>> rows = [[float(i % 7), float(i % 5)] for i in range(700)]
    >>> detector = Loda(contamination=0.01).fit(rows)
    >>> [low, high] = detector.score_samples([[50.0, 50.0], [3.0, 2.0]])
    >>> bool(low < high)
    True
    """

    _kind = "loda"

    def __init__(
        self,
        *,
        contamination: float = 0.1,
        n_random_cuts: int = 100,
        n_bins: int = 10,
        window_size: int = 1000,
        scaling: str = 'standard',
        shingle_size: int = 1,
        seed: int = 0,
    ) -> None:
        self.contamination = contamination
        self.n_random_cuts = n_random_cuts
        self.n_bins = n_bins
        self.window_size = window_size
        self.scaling = scaling
        self.shingle_size = shingle_size
        self.seed = seed


class OneClassSvm(Detector):
    """Outside the edge that a one-class support vector machine draws around a sliding window.

    Scores are low where a row is strange, as everywhere in scikit-learn.

    Parameters
    ----------
    contamination
        Share of the fitted rows that lie beyond the threshold, above 0 and at most 0.5.
    nu
        Upper bound of the share of rows that may lie outside, lower bound of the share that the edge is made of. A
        number from 0.001 to 1.
    gamma
        How fast likeness falls with distance: a number, or scale, which is 2 / (features · variance). Scale or a number
        from 0.000000001 to 1000000000.
    window_size
        How many recent rows the edge is drawn around; of more than 1,000 only every n-th. A whole number from 32 to
        1000000.
    update_frequency
        Rows after which the edge is drawn anew. A whole number from 1 to 1000000.
    tol
        How far from the optimum the solution may stay. A number from 0.000000000001 to 1.
    max_iter
        Steps towards the optimum that one row may cost; what is left is done with the next. A whole number from 1 to
        10000000.
    scaling
        Whether features are brought to one scale: standard (each divided by its deviation in the window) or none. One
        of standard, none.
    shingle_size
        How many rows, the newest last, are looked at side by side: from 2 on the detector sees the course of the
        series. A whole number from 1 to 128.
    seed
        The same seed and rows give the same scores.

    References
    ----------
    Schölkopf, Platt, Shawe-Taylor, Smola, Williamson, Neural Computation 2001.

    Examples
    --------
    >>> from willet.sklearn import OneClassSvm
    >>> rows = [[float(i % 7), float(i % 5)] for i in range(700)]
    >>> detector = OneClassSvm(contamination=0.01).fit(rows)
    >>> [low, high] = detector.score_samples([[50.0, 50.0], [3.0, 2.0]])
    >>> bool(low < high)
    True
    """

    _kind = "ocsvm"

    def __init__(
        self,
        *,
        contamination: float = 0.1,
        nu: float = 0.5,
        gamma: str = 'scale',
        window_size: int = 500,
        update_frequency: int = 1,
        tol: float = 0.01,
        max_iter: int = 200,
        scaling: str = 'standard',
        shingle_size: int = 1,
        seed: int = 0,
    ) -> None:
        self.contamination = contamination
        self.nu = nu
        self.gamma = gamma
        self.window_size = window_size
        self.update_frequency = update_frequency
        self.tol = tol
        self.max_iter = max_iter
        self.scaling = scaling
        self.shingle_size = shingle_size
        self.seed = seed


class Mahalanobis(Detector):
    """Distance from the mean along the features' correlations; features that go together.

    Scores are low where a row is strange, as everywhere in scikit-learn.

    Parameters
    ----------
    contamination
        Share of the fitted rows that lie beyond the threshold, above 0 and at most 0.5.
    window_size
        How many recent rows normal is learned from; older ones are forgotten at that pace. A whole number from 32 to
        1000000.
    shingle_size
        How many rows, the newest last, are looked at side by side: from 2 on the detector sees the course of the
        series. A whole number from 1 to 128.
    seed
        The same seed and rows give the same scores.

    References
    ----------
    Mahalanobis 1936; Hotelling 1947.

    Examples
    --------
    >>> from willet.sklearn import Mahalanobis
    >>> rows = [[float(i % 7), float(i % 5)] for i in range(700)]
    >>> detector = Mahalanobis(contamination=0.01).fit(rows)
    >>> [low, high] = detector.score_samples([[50.0, 50.0], [3.0, 2.0]])
    >>> bool(low < high)
    True
    """

    _kind = "mahalanobis"

    def __init__(
        self,
        *,
        contamination: float = 0.1,
        window_size: int = 1000,
        shingle_size: int = 1,
        seed: int = 0,
    ) -> None:
        self.contamination = contamination
        self.window_size = window_size
        self.shingle_size = shingle_size
        self.seed = seed


class Pca(Detector):
    """What leaves the few directions that the features vary along; many features, few causes.

    Scores are low where a row is strange, as everywhere in scikit-learn.

    Parameters
    ----------
    contamination
        Share of the fitted rows that lie beyond the threshold, above 0 and at most 0.5.
    n_components
        Directions that are kept; 0 keeps as many as hold `variance` of the whole. A whole number from 0 to 1024.
    variance
        Share of the variance that the kept directions hold, where their number is not given. A number from 0.01 to 1.
    window_size
        How many recent rows normal is learned from; older ones are forgotten at that pace. A whole number from 32 to
        1000000.
    scaling
        Whether features are brought to one scale: standard (each divided by its deviation) or none. One of standard,
        none.
    shingle_size
        How many rows, the newest last, are looked at side by side: from 2 on the detector sees the course of the
        series. A whole number from 1 to 128.
    seed
        The same seed and rows give the same scores.

    References
    ----------
    Tipping, Bishop, JRSS B 1999; Shyu et al., ICDM 2003.

    Examples
    --------
    >>> from willet.sklearn import Pca
    >>> rows = [[float(i % 7), float(i % 5)] for i in range(700)]
    >>> detector = Pca(contamination=0.01).fit(rows)
    >>> [low, high] = detector.score_samples([[50.0, 50.0], [3.0, 2.0]])
    >>> bool(low < high)
    True
    """

    _kind = "pca"

    def __init__(
        self,
        *,
        contamination: float = 0.1,
        n_components: int = 0,
        variance: float = 0.9,
        window_size: int = 1000,
        scaling: str = 'standard',
        shingle_size: int = 1,
        seed: int = 0,
    ) -> None:
        self.contamination = contamination
        self.n_components = n_components
        self.variance = variance
        self.window_size = window_size
        self.scaling = scaling
        self.shingle_size = shingle_size
        self.seed = seed


class Autoencoder(Detector):
    """What a small network trained online cannot give back; many features that depend on one another.

    Scores are low where a row is strange, as everywhere in scikit-learn.

    Parameters
    ----------
    contamination
        Share of the fitted rows that lie beyond the threshold, above 0 and at most 0.5.
    hidden
        Units in the middle that a row must pass through; 0 takes half as many as there are features. A whole number
        from 0 to 1024.
    learning_rate
        Length of a step: how fast the network follows the rows. A number from 0.000001 to 0.5.
    window_size
        How many recent rows means and deviations are learned from; older ones are forgotten at that pace. A whole
        number from 32 to 1000000.
    shingle_size
        How many rows, the newest last, are looked at side by side: from 2 on the detector sees the course of the
        series. A whole number from 1 to 128.
    seed
        The same seed and rows give the same scores.

    References
    ----------
    Hawkins, He, Williams, Baxter, DaWaK 2002; Kingma, Ba, ICLR 2015.

    Examples
    --------
    >>> from willet.sklearn import Autoencoder
    >>> rows = [[float(i % 7), float(i % 5)] for i in range(700)]
    >>> detector = Autoencoder(contamination=0.01).fit(rows)
    >>> [low, high] = detector.score_samples([[50.0, 50.0], [3.0, 2.0]])
    >>> bool(low < high)
    True
    """

    _kind = "autoencoder"

    def __init__(
        self,
        *,
        contamination: float = 0.1,
        hidden: int = 0,
        learning_rate: float = 0.01,
        window_size: int = 1000,
        shingle_size: int = 1,
        seed: int = 0,
    ) -> None:
        self.contamination = contamination
        self.hidden = hidden
        self.learning_rate = learning_rate
        self.window_size = window_size
        self.shingle_size = shingle_size
        self.seed = seed


class Rare(Detector):
    """Values seen seldom or never before; features that are codes.

    Scores are low where a row is strange, as everywhere in scikit-learn.

    Parameters
    ----------
    contamination
        Share of the fitted rows that lie beyond the threshold, above 0 and at most 0.5.
    window_size
        How many recent rows speak of what is usual; older ones are forgotten at that pace. A whole number from 32 to
        10000000.
    max_categories
        Values of a feature that are remembered; of more the rarest are forgotten. A whole number from 2 to 1000000.
    shingle_size
        How many rows, the newest last, are looked at side by side: from 2 on the detector sees the course of the
        series. A whole number from 1 to 128.
    seed
        The same seed and rows give the same scores.

    References
    ----------
    Good, Biometrika 1953; Krichevsky, Trofimov 1981.
    """

    _kind = "rare"

    def __init__(
        self,
        *,
        contamination: float = 0.1,
        window_size: int = 10000,
        max_categories: int = 1000,
        shingle_size: int = 1,
        seed: int = 0,
    ) -> None:
        self.contamination = contamination
        self.window_size = window_size
        self.max_categories = max_categories
        self.shingle_size = shingle_size
        self.seed = seed


class Ensemble(Detector):
    """Several detectors as one, their answers made comparable first.

    Scores are low where a row is strange, as everywhere in scikit-learn.

    Parameters
    ----------
    contamination
        Share of the fitted rows that lie beyond the threshold, above 0 and at most 0.5.
    members
        The detectors in it: a list of names, or names with their settings. 1 to 32 algorithms: a list of names, or a
        map from name to settings.
    combine
        How their answers become one. One of mean, max, median, average_of_maxima, weighted, switch.
    shingle_size
        How many rows, the newest last, are looked at side by side: from 2 on the detector sees the course of the
        series. A whole number from 1 to 128.
    seed
        The same seed and rows give the same scores.

    References
    ----------
    Aggarwal, Sathe, SIGKDD Explorations 2015.

    Examples
    --------
    >>> from willet.sklearn import Ensemble
    >>> rows = [[float(i % 7), float(i % 5)] for i in range(700)]
    >>> detector = Ensemble(contamination=0.01).fit(rows)
    >>> [low, high] = detector.score_samples([[50.0, 50.0], [3.0, 2.0]])
    >>> bool(low < high)
    True
    """

    _kind = "ensemble"

    def __init__(
        self,
        *,
        contamination: float = 0.1,
        members: Sequence[str] | Mapping[str, Mapping[str, Any]] = ('statistical', 'hst', 'iforest'),
        combine: str = 'mean',
        shingle_size: int = 1,
        seed: int = 0,
    ) -> None:
        self.contamination = contamination
        self.members = members
        self.combine = combine
        self.shingle_size = shingle_size
        self.seed = seed
