"""Detectors of other libraries, one brand at a time; imported only when they are asked for."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.peers import Array, guarded

MONTH = 28 * 24  # hours: the data that those which are fitted see first
START = datetime(2024, 1, 1, tzinfo=UTC)


def gaussian(counts: Array) -> Array:
    """river's GaussianScorer over two weeks, upper tail."""
    river = import_module("river.anomaly")

    def one(series: Array) -> Array:
        scorer = river.GaussianScorer(window_size=14 * 24, grace_period=100)
        found = np.zeros_like(series)
        for hour, value in enumerate(series):
            mean = scorer.gaussian.mu
            sure = scorer.score_one(None, float(value))
            found[hour] = -np.log10(1 - sure + 1e-16) if value > mean else 0
            scorer.learn_one(None, float(value))
        return found

    return _each(one, counts)


def trees(counts: Array) -> Array:
    """river's HalfSpaceTrees on the count and the hour."""
    river = import_module("river.anomaly")

    def one(series: Array) -> Array:
        top = max(1.0, float(series[:MONTH].max())) * 2
        forest = river.HalfSpaceTrees(
            n_trees=25, height=8, window_size=14 * 24, limits={"count": (0, top), "hour": (0, 24)}
        )
        found = np.zeros_like(series)
        for hour, value in enumerate(series):
            seen = {"count": float(value), "hour": float(hour % 24)}
            found[hour] = forest.score_one(seen)
            forest.learn_one(seen)
        return found

    return _each(one, counts)


def seasonal(counts: Array) -> Array:
    """What adtk's SeasonalAD tests: the residual of its decomposition over the quartile range."""
    adtk = import_module("adtk.transformer")

    def one(series: Array) -> Array:
        frame = _series(series)
        model = adtk.ClassicSeasonalDecomposition(freq=24)
        model.fit(frame.iloc[:MONTH])
        return _over_quartiles(np.asarray(model.transform(frame)))

    return _each(one, counts)


def level_shift(counts: Array) -> Array:
    """What adtk's LevelShiftAD tests, one-sided, with a window of three hours before."""
    adtk = import_module("adtk.transformer")

    def one(series: Array) -> Array:
        change = adtk.DoubleRollingAggregate(
            agg="median", window=(24, 3), center=False, diff="diff"
        ).transform(_series(series))
        return _over_quartiles(np.nan_to_num(np.asarray(change)))

    return _each(one, counts)


def prophet(counts: Array) -> Array:
    """How far above Prophet's interval, in its own widths; fitted anew every four weeks."""
    library = import_module("prophet")
    logging.getLogger("cmdstanpy").disabled = True

    def one(series: Array) -> Array:
        found = np.zeros_like(series)
        frame = _series(series).rename("y").rename_axis("ds").reset_index()
        frame["ds"] = frame["ds"].dt.tz_localize(None)
        for begin in range(MONTH, len(series), MONTH):
            model = library.Prophet(interval_width=0.95, uncertainty_samples=200)
            model.fit(frame.iloc[:begin])
            ahead = model.predict(frame.iloc[begin : begin + MONTH][["ds"]])
            wide = np.maximum((ahead["yhat_upper"] - ahead["yhat"]).to_numpy(), 0.5)
            found[begin : begin + MONTH] = (
                series[begin : begin + MONTH] - ahead["yhat"].to_numpy()
            ) / wide
        return found

    return _each(one, counts)


def _each(one: Callable[[Array], Array], counts: Array) -> Array:
    found = [one(series) for series in counts.T]
    return guarded(np.stack(found, axis=1), counts)


def _series(values: Array) -> Any:  # noqa: ANN401 - pandas is not always there
    pd = import_module("pandas")
    times = [START + timedelta(hours=hour) for hour in range(len(values))]
    return pd.Series(values, index=pd.DatetimeIndex(times))


def _over_quartiles(values: Array) -> Array:
    low, middle, high = np.quantile(values[:MONTH], (0.25, 0.5, 0.75))
    return np.asarray((values - middle) / max(high - low, 0.5))


LIBRARIES: dict[str, Callable[[Array], Array]] = {
    "river GaussianScorer": gaussian,
    "river HalfSpaceTrees": trees,
    "adtk SeasonalAD": seasonal,
    "adtk LevelShiftAD": level_shift,
    "Prophet interval": prophet,
}
