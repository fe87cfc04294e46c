"""Detectors and drift tests for River pipelines.

Scores are high where a sample is strange.

Written by ``python -m willet._generate`` from the native tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ._river import Detector, DriftDetector

__all__ = [
    "Adwin",
    "Auto",
    "Autoencoder",
    "ChiSquared",
    "Copod",
    "Ddm",
    "Detector",
    "DriftDetector",
    "Ecod",
    "Eddm",
    "Ensemble",
    "HalfSpaceTrees",
    "Hbos",
    "Hddm",
    "HddmW",
    "IsolationForest",
    "KolmogorovSmirnov",
    "Kswin",
    "LocalOutlierFactor",
    "Loda",
    "Mahalanobis",
    "Monitor",
    "NearestNeighbours",
    "OneClassSvm",
    "PageHinkley",
    "Pca",
    "Permutation",
    "PopulationStability",
    "RandomCutForest",
    "Rare",
    "Seasonal",
    "Statistical",
    "Wasserstein",
]


class Auto(Detector):
    """Several views of a series at once: trend and seasons, values alone and together.

    Scores are high where a sample is strange.

    Parameters
    ----------
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
    >>> from willet import river
    >>> detector = river.Auto()
    >>> for i in range(600):
    ...     detector.learn_one({"value": float(i % 7)})
    >>> detector.score_one({"value": 50.0}) > detector.score_one({"value": 3.0})
    True
    """

    _kind = "auto"

    def __init__(
        self,
        *,
        seasonality: str = 'auto',
        seed: int = 0,
    ) -> None:
        self.seasonality = seasonality
        self.seed = seed
        self._start()


class Statistical(Detector):
    """Distance of each feature from its usual value; single values with a stable level.

    Scores are high where a sample is strange.

    Parameters
    ----------
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
    >>> from willet import river
    >>> detector = river.Statistical()
    >>> for i in range(600):
    ...     detector.learn_one({"value": float(i % 7)})
    >>> detector.score_one({"value": 50.0}) > detector.score_one({"value": 3.0})
    True
    """

    _kind = "statistical"

    def __init__(
        self,
        *,
        method: str = 'zscore',
        window_size: int = 1000,
        smoothing: float = 0.3,
        shingle_size: int = 1,
        seed: int = 0,
    ) -> None:
        self.method = method
        self.window_size = window_size
        self.smoothing = smoothing
        self.shingle_size = shingle_size
        self.seed = seed
        self._start()


class Seasonal(Detector):
    """Trend and season found and taken out, the rest judged alone and in means; series in time.

    Scores are high where a sample is strange.

    Parameters
    ----------
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
        window_size: int = 1000,
        seasonality: str = 'auto',
        seed: int = 0,
    ) -> None:
        self.window_size = window_size
        self.seasonality = seasonality
        self.seed = seed
        self._start()


class HalfSpaceTrees(Detector):
    """Half-space trees: how empty was the region in the last window; fast, several features.

    Scores are high where a sample is strange.

    Parameters
    ----------
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
    >>> from willet import river
    >>> detector = river.HalfSpaceTrees()
    >>> for i in range(600):
    ...     detector.learn_one({"value": float(i % 7)})
    >>> detector.score_one({"value": 50.0}) > detector.score_one({"value": 3.0})
    True
    """

    _kind = "hst"

    def __init__(
        self,
        *,
        n_estimators: int = 25,
        depth: int = 8,
        window_size: int = 250,
        size_limit: float = 0.0,
        shingle_size: int = 1,
        seed: int = 0,
    ) -> None:
        self.n_estimators = n_estimators
        self.depth = depth
        self.window_size = window_size
        self.size_limit = size_limit
        self.shingle_size = shingle_size
        self.seed = seed
        self._start()


class IsolationForest(Detector):
    """Isolation forest on a sliding window, renewed a tree at a time; several features.

    Scores are high where a sample is strange.

    Parameters
    ----------
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
    >>> from willet import river
    >>> detector = river.IsolationForest()
    >>> for i in range(600):
    ...     detector.learn_one({"value": float(i % 7)})
    >>> detector.score_one({"value": 50.0}) > detector.score_one({"value": 3.0})
    True
    """

    _kind = "iforest"

    def __init__(
        self,
        *,
        n_estimators: int = 100,
        max_samples: int = 256,
        window_size: int = 1000,
        update_frequency: int = 100,
        shingle_size: int = 1,
        seed: int = 0,
    ) -> None:
        self.n_estimators = n_estimators
        self.max_samples = max_samples
        self.window_size = window_size
        self.update_frequency = update_frequency
        self.shingle_size = shingle_size
        self.seed = seed
        self._start()


class RandomCutForest(Detector):
    """Random cut forest on a decaying sample, with shingles; several features, or one series whose order matters.

    Scores are high where a sample is strange.

    Parameters
    ----------
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
    >>> from willet import river
    >>> detector = river.RandomCutForest()
    >>> for i in range(600):
    ...     detector.learn_one({"value": float(i % 7)})
    >>> detector.score_one({"value": 50.0}) > detector.score_one({"value": 3.0})
    True
    """

    _kind = "rcf"

    def __init__(
        self,
        *,
        n_estimators: int = 50,
        max_samples: int = 256,
        shingle_size: int = 1,
        time_decay: float = 0.0,
        scaling: str = 'standard',
        seed: int = 0,
    ) -> None:
        self.n_estimators = n_estimators
        self.max_samples = max_samples
        self.shingle_size = shingle_size
        self.time_decay = time_decay
        self.scaling = scaling
        self.seed = seed
        self._start()


class LocalOutlierFactor(Detector):
    """Local outlier factor in a sliding window, exact; clusters of different density.

    Scores are high where a sample is strange.

    Parameters
    ----------
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
    >>> from willet import river
    >>> detector = river.LocalOutlierFactor()
    >>> for i in range(600):
    ...     detector.learn_one({"value": float(i % 7)})
    >>> detector.score_one({"value": 50.0}) > detector.score_one({"value": 3.0})
    True
    """

    _kind = "lof"

    def __init__(
        self,
        *,
        n_neighbors: int = 20,
        window_size: int = 1000,
        scaling: str = 'standard',
        shingle_size: int = 1,
        seed: int = 0,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.window_size = window_size
        self.scaling = scaling
        self.shingle_size = shingle_size
        self.seed = seed
        self._start()


class NearestNeighbours(Detector):
    """Distance to the nearest rows of a sliding window, exact; clusters of any shape.

    Scores are high where a sample is strange.

    Parameters
    ----------
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
    >>> from willet import river
    >>> detector = river.NearestNeighbours()
    >>> for i in range(600):
    ...     detector.learn_one({"value": float(i % 7)})
    >>> detector.score_one({"value": 50.0}) > detector.score_one({"value": 3.0})
    True
    """

    _kind = "knn"

    def __init__(
        self,
        *,
        n_neighbors: int = 20,
        method: str = 'largest',
        window_size: int = 1000,
        scaling: str = 'standard',
        shingle_size: int = 1,
        seed: int = 0,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.method = method
        self.window_size = window_size
        self.scaling = scaling
        self.shingle_size = shingle_size
        self.seed = seed
        self._start()


class Copod(Detector):
    """How rare each feature's value is towards both ends or the longer one; many features, no settings.

    Scores are high where a sample is strange.

    Parameters
    ----------
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
    >>> from willet import river
    >>> detector = river.Copod()
    >>> for i in range(600):
    ...     detector.learn_one({"value": float(i % 7)})
    >>> detector.score_one({"value": 50.0}) > detector.score_one({"value": 3.0})
    True
    """

    _kind = "copod"

    def __init__(
        self,
        *,
        window_size: int = 1000,
        shingle_size: int = 1,
        seed: int = 0,
    ) -> None:
        self.window_size = window_size
        self.shingle_size = shingle_size
        self.seed = seed
        self._start()


class Ecod(Detector):
    """How rare each feature's value is towards the nearest end; many features, no settings.

    Scores are high where a sample is strange.

    Parameters
    ----------
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
    >>> from willet import river
    >>> detector = river.Ecod()
    >>> for i in range(600):
    ...     detector.learn_one({"value": float(i % 7)})
    >>> detector.score_one({"value": 50.0}) > detector.score_one({"value": 3.0})
    True
    """

    _kind = "ecod"

    def __init__(
        self,
        *,
        window_size: int = 1000,
        shingle_size: int = 1,
        seed: int = 0,
    ) -> None:
        self.window_size = window_size
        self.shingle_size = shingle_size
        self.seed = seed
        self._start()


class Hbos(Detector):
    """How thin each feature's histogram is at its value; many features, very fast.

    Scores are high where a sample is strange.

    Parameters
    ----------
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
    >>> from willet import river
    >>> detector = river.Hbos()
    >>> for i in range(600):
    ...     detector.learn_one({"value": float(i % 7)})
    >>> detector.score_one({"value": 50.0}) > detector.score_one({"value": 3.0})
    True
    """

    _kind = "hbos"

    def __init__(
        self,
        *,
        n_bins: int = 10,
        alpha: float = 0.1,
        tol: float = 0.5,
        outside: str = 'empty',
        window_size: int = 1000,
        shingle_size: int = 1,
        seed: int = 0,
    ) -> None:
        self.n_bins = n_bins
        self.alpha = alpha
        self.tol = tol
        self.outside = outside
        self.window_size = window_size
        self.shingle_size = shingle_size
        self.seed = seed
        self._start()


class Loda(Detector):
    """Thin places seen from many random directions; many features, fast, says which.

    Scores are high where a sample is strange.

    Parameters
    ----------
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
    >>> from willet import river
    >>> detector = river.Loda()
    >>> for i in range(600):
    ...     detector.learn_one({"value": float(i % 7)})
    >>> detector.score_one({"value": 50.0}) > detector.score_one({"value": 3.0})
    True
    """

    _kind = "loda"

    def __init__(
        self,
        *,
        n_random_cuts: int = 100,
        n_bins: int = 10,
        window_size: int = 1000,
        scaling: str = 'standard',
        shingle_size: int = 1,
        seed: int = 0,
    ) -> None:
        self.n_random_cuts = n_random_cuts
        self.n_bins = n_bins
        self.window_size = window_size
        self.scaling = scaling
        self.shingle_size = shingle_size
        self.seed = seed
        self._start()


class OneClassSvm(Detector):
    """Outside the edge that a one-class support vector machine draws around a sliding window.

    Scores are high where a sample is strange.

    Parameters
    ----------
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
    >>> from willet import river
    >>> detector = river.OneClassSvm()
    >>> for i in range(600):
    ...     detector.learn_one({"value": float(i % 7)})
    >>> detector.score_one({"value": 50.0}) > detector.score_one({"value": 3.0})
    True
    """

    _kind = "ocsvm"

    def __init__(
        self,
        *,
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
        self.nu = nu
        self.gamma = gamma
        self.window_size = window_size
        self.update_frequency = update_frequency
        self.tol = tol
        self.max_iter = max_iter
        self.scaling = scaling
        self.shingle_size = shingle_size
        self.seed = seed
        self._start()


class Mahalanobis(Detector):
    """Distance from the mean along the features' correlations; features that go together.

    Scores are high where a sample is strange.

    Parameters
    ----------
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
    >>> from willet import river
    >>> detector = river.Mahalanobis()
    >>> for i in range(600):
    ...     detector.learn_one({"value": float(i % 7)})
    >>> detector.score_one({"value": 50.0}) > detector.score_one({"value": 3.0})
    True
    """

    _kind = "mahalanobis"

    def __init__(
        self,
        *,
        window_size: int = 1000,
        shingle_size: int = 1,
        seed: int = 0,
    ) -> None:
        self.window_size = window_size
        self.shingle_size = shingle_size
        self.seed = seed
        self._start()


class Pca(Detector):
    """What leaves the few directions that the features vary along; many features, few causes.

    Scores are high where a sample is strange.

    Parameters
    ----------
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
    >>> from willet import river
    >>> detector = river.Pca()
    >>> for i in range(600):
    ...     detector.learn_one({"value": float(i % 7)})
    >>> detector.score_one({"value": 50.0}) > detector.score_one({"value": 3.0})
    True
    """

    _kind = "pca"

    def __init__(
        self,
        *,
        n_components: int = 0,
        variance: float = 0.9,
        window_size: int = 1000,
        scaling: str = 'standard',
        shingle_size: int = 1,
        seed: int = 0,
    ) -> None:
        self.n_components = n_components
        self.variance = variance
        self.window_size = window_size
        self.scaling = scaling
        self.shingle_size = shingle_size
        self.seed = seed
        self._start()


class Autoencoder(Detector):
    """What a small network trained online cannot give back; many features that depend on one another.

    Scores are high where a sample is strange.

    Parameters
    ----------
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
    >>> from willet import river
    >>> detector = river.Autoencoder()
    >>> for i in range(600):
    ...     detector.learn_one({"value": float(i % 7)})
    >>> detector.score_one({"value": 50.0}) > detector.score_one({"value": 3.0})
    True
    """

    _kind = "autoencoder"

    def __init__(
        self,
        *,
        hidden: int = 0,
        learning_rate: float = 0.01,
        window_size: int = 1000,
        shingle_size: int = 1,
        seed: int = 0,
    ) -> None:
        self.hidden = hidden
        self.learning_rate = learning_rate
        self.window_size = window_size
        self.shingle_size = shingle_size
        self.seed = seed
        self._start()


class Rare(Detector):
    """Values seen seldom or never before; features that are codes.

    Scores are high where a sample is strange.

    Parameters
    ----------
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
        window_size: int = 10000,
        max_categories: int = 1000,
        shingle_size: int = 1,
        seed: int = 0,
    ) -> None:
        self.window_size = window_size
        self.max_categories = max_categories
        self.shingle_size = shingle_size
        self.seed = seed
        self._start()


class Ensemble(Detector):
    """Several detectors as one, their answers made comparable first.

    Scores are high where a sample is strange.

    Parameters
    ----------
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
    >>> from willet import river
    >>> detector = river.Ensemble()
    >>> for i in range(600):
    ...     detector.learn_one({"value": float(i % 7)})
    >>> detector.score_one({"value": 50.0}) > detector.score_one({"value": 3.0})
    True
    """

    _kind = "ensemble"

    def __init__(
        self,
        *,
        members: Sequence[str] | Mapping[str, Mapping[str, Any]] = ('statistical', 'hst', 'iforest'),
        combine: str = 'mean',
        shingle_size: int = 1,
        seed: int = 0,
    ) -> None:
        self.members = members
        self.combine = combine
        self.shingle_size = shingle_size
        self.seed = seed
        self._start()


class Monitor(DriftDetector):
    """The default: middle, spread, shape, rates and correlations; knows that neighbours are alike.

    Parameters
    ----------
    strictness
        How much evidence it asks for, as a multiple of what keeps false alarms below about one in 10,000 rows of series
        whose neighbours are alike. A number from 0.25 to 10.
    least
        Magnitude from which on a drift is told: a smaller change is watched until it has grown so large, and is a
        warning until then. A number from 0 to 1.
    seed
        The same seed and rows give the same scores.

    References
    ----------
    Neyman 1937; Bifet, Gavaldà, SDM 2007; Flegal, Jones, Ann. Stat. 2010.
    """

    _kind = "monitor"

    def __init__(
        self,
        *,
        strictness: float = 1.0,
        least: float = 0.0,
        seed: int = 0,
    ) -> None:
        self.strictness = strictness
        self.least = least
        self.seed = seed
        self._start()

    def _settings(self) -> dict[str, Any]:
        return {"strictness": self.strictness, "least": self.least}


class KolmogorovSmirnov(DriftDetector):
    """Largest difference of two distribution functions; any change of a value.

    Parameters
    ----------
    window_size
        Newest rows, which are compared with the reference. A whole number from 8 to 100000.
    reference_window
        Rows of the reference: the first ones, and after a drift those it was seen in and what follows. A whole number
        from 8 to 100000.
    significance_level
        Chance of a false alarm while the window is renewed once. A number from 0.000000000001 to 0.5.
    min_samples
        Rows that the window must hold before it is tested. A whole number from 2 to 100000.
    seed
        The same seed and rows give the same scores.

    References
    ----------
    Kolmogorov 1933, Smirnov 1939; dos Reis and others, KDD 2016.
    """

    _kind = "ks"

    def __init__(
        self,
        *,
        window_size: int = 100,
        reference_window: int = 1000,
        significance_level: float = 0.001,
        min_samples: int = 30,
        seed: int = 0,
    ) -> None:
        self.window_size = window_size
        self.reference_window = reference_window
        self.significance_level = significance_level
        self.min_samples = min_samples
        self.seed = seed
        self._start()

    def _settings(self) -> dict[str, Any]:
        return {"window_size": self.window_size, "reference_window": self.reference_window, "significance_level": self.significance_level, "min_samples": self.min_samples}


class ChiSquared(DriftDetector):
    """Counts in the same bins; categories, codes and counts.

    Parameters
    ----------
    window_size
        Newest rows, which are compared with the reference. A whole number from 8 to 100000.
    reference_window
        Rows of the reference: the first ones, and after a drift those it was seen in and what follows. A whole number
        from 8 to 100000.
    significance_level
        Chance of a false alarm while the window is renewed once. A number from 0.000000000001 to 0.5.
    min_samples
        Rows that the window must hold before it is tested. A whole number from 2 to 100000.
    bins
        Bins of about equal count in the reference; a feature with no more different values than this has a bin for
        each. A whole number from 2 to 1000.
    seed
        The same seed and rows give the same scores.

    References
    ----------
    Pearson, Philosophical Magazine 1900.
    """

    _kind = "chi2"

    def __init__(
        self,
        *,
        window_size: int = 100,
        reference_window: int = 1000,
        significance_level: float = 0.001,
        min_samples: int = 30,
        bins: int = 10,
        seed: int = 0,
    ) -> None:
        self.window_size = window_size
        self.reference_window = reference_window
        self.significance_level = significance_level
        self.min_samples = min_samples
        self.bins = bins
        self.seed = seed
        self._start()

    def _settings(self) -> dict[str, Any]:
        return {"window_size": self.window_size, "reference_window": self.reference_window, "significance_level": self.significance_level, "min_samples": self.min_samples, "bins": self.bins}


class Permutation(DriftDetector):
    """Difference of means against values dealt anew; no assumption, slow.

    Parameters
    ----------
    window_size
        Newest rows, which are compared with the reference. A whole number from 8 to 100000.
    reference_window
        Rows of the reference: the first ones, and after a drift those it was seen in and what follows. A whole number
        from 8 to 100000.
    significance_level
        Chance of a false alarm while the window is renewed once. A number from 0.000001 to 0.5.
    min_samples
        Rows that the window must hold before it is tested. A whole number from 2 to 100000.
    resamples
        Times that the values are dealt to both windows anew. The smallest p-value is about two over this. A whole
        number from 100 to 10000000.
    seed
        The same seed and rows give the same scores.

    References
    ----------
    Fisher, The Design of Experiments, 1935.
    """

    _kind = "permutation"

    def __init__(
        self,
        *,
        window_size: int = 100,
        reference_window: int = 500,
        significance_level: float = 0.01,
        min_samples: int = 30,
        resamples: int = 20000,
        seed: int = 0,
    ) -> None:
        self.window_size = window_size
        self.reference_window = reference_window
        self.significance_level = significance_level
        self.min_samples = min_samples
        self.resamples = resamples
        self.seed = seed
        self._start()

    def _settings(self) -> dict[str, Any]:
        return {"window_size": self.window_size, "reference_window": self.reference_window, "significance_level": self.significance_level, "min_samples": self.min_samples, "resamples": self.resamples}


class PopulationStability(DriftDetector):
    """Population stability index, significant and above a threshold.

    Parameters
    ----------
    window_size
        Newest rows, which are compared with the reference. A whole number from 8 to 100000.
    reference_window
        Rows of the reference: the first ones, and after a drift those it was seen in and what follows. A whole number
        from 8 to 100000.
    significance_level
        Chance of a false alarm while the window is renewed once. A number from 0.000000000001 to 0.5.
    min_samples
        Rows that the window must hold before it is tested. A whole number from 2 to 100000.
    bins
        Bins of about equal count in the reference; a feature with no more different values than this has a bin for
        each. A whole number from 2 to 1000.
    threshold
        A smaller index is no drift, however significant: 0.1 by custom is stable, 0.2 a change. A number from 0 to 100.
    seed
        The same seed and rows give the same scores.

    References
    ----------
    Yurdakul, Western Michigan University 2018.
    """

    _kind = "psi"

    def __init__(
        self,
        *,
        window_size: int = 200,
        reference_window: int = 1000,
        significance_level: float = 0.001,
        min_samples: int = 60,
        bins: int = 10,
        threshold: float = 0.2,
        seed: int = 0,
    ) -> None:
        self.window_size = window_size
        self.reference_window = reference_window
        self.significance_level = significance_level
        self.min_samples = min_samples
        self.bins = bins
        self.threshold = threshold
        self.seed = seed
        self._start()

    def _settings(self) -> dict[str, Any]:
        return {"window_size": self.window_size, "reference_window": self.reference_window, "significance_level": self.significance_level, "min_samples": self.min_samples, "bins": self.bins, "threshold": self.threshold}


class Wasserstein(DriftDetector):
    """Area between two distribution functions; how far values moved.

    Parameters
    ----------
    window_size
        Newest rows, which are compared with the reference. A whole number from 8 to 100000.
    reference_window
        Rows of the reference: the first ones, and after a drift those it was seen in and what follows. A whole number
        from 8 to 100000.
    significance_level
        Chance of a false alarm while the window is renewed once. A number from 0.000000000001 to 0.5.
    min_samples
        Rows that the window must hold before it is tested. A whole number from 2 to 100000.
    threshold
        A smaller distance is no drift, however significant; in standard deviations of the reference. A number from 0 to
        1000000.
    seed
        The same seed and rows give the same scores.

    References
    ----------
    del Barrio, Giné, Matrán, Annals of Probability 1999.
    """

    _kind = "wasserstein"

    def __init__(
        self,
        *,
        window_size: int = 100,
        reference_window: int = 1000,
        significance_level: float = 0.001,
        min_samples: int = 30,
        threshold: float = 0.1,
        seed: int = 0,
    ) -> None:
        self.window_size = window_size
        self.reference_window = reference_window
        self.significance_level = significance_level
        self.min_samples = min_samples
        self.threshold = threshold
        self.seed = seed
        self._start()

    def _settings(self) -> dict[str, Any]:
        return {"window_size": self.window_size, "reference_window": self.reference_window, "significance_level": self.significance_level, "min_samples": self.min_samples, "threshold": self.threshold}


class Adwin(DriftDetector):
    """Means before and after every cut of a window that grows until one differs.

    Parameters
    ----------
    delta
        Chance of a false alarm at a look: how different the two halves of a cut must be. Divided by the number of
        features. A number from 0.000000000001 to 0.5.
    clock
        Looks for a cut once in so many values. A whole number from 1 to 1000000.
    max_buckets
        Buckets of one size before two of them are made one. A whole number from 1 to 100.
    min_window_length
        Values that each half of a cut must have. A whole number from 1 to 1000000.
    grace_period
        Values before the first look. A whole number from 0 to 1000000.
    seed
        The same seed and rows give the same scores.

    References
    ----------
    Bifet, Gavaldà, SDM 2007.
    """

    _kind = "adwin"

    def __init__(
        self,
        *,
        delta: float = 0.002,
        clock: int = 32,
        max_buckets: int = 5,
        min_window_length: int = 5,
        grace_period: int = 10,
        seed: int = 0,
    ) -> None:
        self.delta = delta
        self.clock = clock
        self.max_buckets = max_buckets
        self.min_window_length = min_window_length
        self.grace_period = grace_period
        self.seed = seed
        self._start()

    def _settings(self) -> dict[str, Any]:
        return {"delta": self.delta, "clock": self.clock, "max_buckets": self.max_buckets, "min_window_length": self.min_window_length, "grace_period": self.grace_period}


class PageHinkley(DriftDetector):
    """Sum of deviations from the mean against a threshold; cheapest, in the unit of the values.

    Parameters
    ----------
    min_instances
        Values before the first alarm. A whole number from 1 to 1000000.
    delta
        A change of the mean smaller than this is allowed; in the unit of the values. A number from 0 to
        10000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000.
    threshold
        How far the sum of deviations may rise above its lowest point; in the unit of the values. A number from 0 to
        10000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000.
    alpha
        What is left of the sums after each value. A number from 0 to 1.
    mode
        Which changes count: up, down or both. One of both, up, down.
    seed
        The same seed and rows give the same scores.

    References
    ----------
    Page, Biometrika 1954.
    """

    _kind = "page_hinkley"

    def __init__(
        self,
        *,
        min_instances: int = 30,
        delta: float = 0.005,
        threshold: float = 50.0,
        alpha: float = 0.9999,
        mode: str = 'both',
        seed: int = 0,
    ) -> None:
        self.min_instances = min_instances
        self.delta = delta
        self.threshold = threshold
        self.alpha = alpha
        self.mode = mode
        self.seed = seed
        self._start()

    def _settings(self) -> dict[str, Any]:
        return {"min_instances": self.min_instances, "delta": self.delta, "threshold": self.threshold, "alpha": self.alpha, "mode": self.mode}


class Kswin(DriftDetector):
    """The newest values against a draw from those before them, by Kolmogorov–Smirnov.

    Parameters
    ----------
    alpha
        Level of significance of each test. Divided by the number of features. A number from 0.000000000001 to 0.5.
    window_size
        Values in the window. A whole number from 8 to 10000.
    stat_size
        The newest so many are compared with as many drawn from the others; at most half of the window. A whole number
        from 2 to 1000.
    seed
        The same seed and rows give the same scores.

    References
    ----------
    Raab, Heusinger, Schleif, Neurocomputing 2020.
    """

    _kind = "kswin"

    def __init__(
        self,
        *,
        alpha: float = 0.005,
        window_size: int = 100,
        stat_size: int = 30,
        seed: int = 0,
    ) -> None:
        self.alpha = alpha
        self.window_size = window_size
        self.stat_size = stat_size
        self.seed = seed
        self._start()

    def _settings(self) -> dict[str, Any]:
        return {"alpha": self.alpha, "window_size": self.window_size, "stat_size": self.stat_size}


class Ddm(DriftDetector):
    """A model's error rate against its best, in standard deviations.

    Parameters
    ----------
    warm_start
        Values before the first alarm. A whole number from 1 to 1000000.
    warning_threshold
        A warning where the error rate is so many standard deviations above its best. A number from 0 to 100.
    drift_threshold
        A drift where it is so many above. A number from 0 to 100.
    seed
        The same seed and rows give the same scores.

    References
    ----------
    Gama, Medas, Castillo, Rodrigues, SBIA 2004.
    """

    _kind = "ddm"

    def __init__(
        self,
        *,
        warm_start: int = 30,
        warning_threshold: float = 2.0,
        drift_threshold: float = 3.0,
        seed: int = 0,
    ) -> None:
        self.warm_start = warm_start
        self.warning_threshold = warning_threshold
        self.drift_threshold = drift_threshold
        self.seed = seed
        self._start()

    def _settings(self) -> dict[str, Any]:
        return {"warm_start": self.warm_start, "warning_threshold": self.warning_threshold, "drift_threshold": self.drift_threshold}


class Eddm(DriftDetector):
    """The distance between a model's errors; for slow changes.

    Parameters
    ----------
    warm_start
        Values and errors before the first alarm. A whole number from 1 to 1000000.
    alpha
        A warning where the distance between errors falls below this share of the largest it was. A number from 0 to 1.
    beta
        A drift where it falls below this share; at most `alpha`. A number from 0 to 1.
    seed
        The same seed and rows give the same scores.

    References
    ----------
    Baena-García and others, IWKDDS 2006.
    """

    _kind = "eddm"

    def __init__(
        self,
        *,
        warm_start: int = 30,
        alpha: float = 0.95,
        beta: float = 0.9,
        seed: int = 0,
    ) -> None:
        self.warm_start = warm_start
        self.alpha = alpha
        self.beta = beta
        self.seed = seed
        self._start()

    def _settings(self) -> dict[str, Any]:
        return {"warm_start": self.warm_start, "alpha": self.alpha, "beta": self.beta}


class Hddm(DriftDetector):
    """A rate against the lowest it was, by Hoeffding's bound.

    Parameters
    ----------
    drift_confidence
        Chance of a false drift at a look. Divided by the number of features. A number from 0.000000000001 to 0.5.
    warning_confidence
        Chance of a false warning at a look. A number from 0.000000000001 to 0.5.
    direction
        Which changes of the rate count: up or both. One of up, both.
    seed
        The same seed and rows give the same scores.

    References
    ----------
    Frías-Blanco and others, IEEE TKDE 2015.
    """

    _kind = "hddm"

    def __init__(
        self,
        *,
        drift_confidence: float = 0.001,
        warning_confidence: float = 0.005,
        direction: str = 'up',
        seed: int = 0,
    ) -> None:
        self.drift_confidence = drift_confidence
        self.warning_confidence = warning_confidence
        self.direction = direction
        self.seed = seed
        self._start()

    def _settings(self) -> dict[str, Any]:
        return {"drift_confidence": self.drift_confidence, "warning_confidence": self.warning_confidence, "direction": self.direction}


class HddmW(DriftDetector):
    """Weighted rates before and after the lowest point, by McDiarmid's bound.

    Parameters
    ----------
    drift_confidence
        Chance of a false drift at a look. Divided by the number of features. A number from 0.000000000001 to 0.5.
    warning_confidence
        Chance of a false warning at a look. A number from 0.000000000001 to 0.5.
    lambda_val
        Weight of the newest value. A number from 0.000001 to 1.
    direction
        Which changes of the rate count: up or both. One of up, both.
    seed
        The same seed and rows give the same scores.

    References
    ----------
    Frías-Blanco and others, IEEE TKDE 2015.
    """

    _kind = "hddm_w"

    def __init__(
        self,
        *,
        drift_confidence: float = 0.001,
        warning_confidence: float = 0.005,
        lambda_val: float = 0.05,
        direction: str = 'up',
        seed: int = 0,
    ) -> None:
        self.drift_confidence = drift_confidence
        self.warning_confidence = warning_confidence
        self.lambda_val = lambda_val
        self.direction = direction
        self.seed = seed
        self._start()

    def _settings(self) -> dict[str, Any]:
        return {"drift_confidence": self.drift_confidence, "warning_confidence": self.warning_confidence, "lambda_val": self.lambda_val, "direction": self.direction}
