"""The registry of metrics: a closed list, each with its unit, its meaning and what to do when it is bad.

Each program declares its metrics in its own room; those of several programs are in `streams.telemetry.metrics`.
No label holds a timekeeper, a matter, a client or words: walls hold for metrics too, and a series for each person would
grow without end.
"""

import math
from typing import Literal

import msgspec
from prometheus_client import Counter, Gauge, Histogram

Kind = Literal["counter", "gauge", "histogram"]

# From what nobody notices to what wakes somebody up: a tenth of a second is the aim live, some seconds after faults.
SECONDS_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
# A regroup may hold the loop for 200 ms at most.
LAG_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0)


class Metric(msgspec.Struct, frozen=True):
    """One metric. `programs` expose it; `mend` says what to do when it is bad."""

    name: str
    kind: Kind
    programs: tuple[str, ...]
    labels: tuple[str, ...]
    unit: str
    meaning: str
    remedy: str
    collector: Counter | Gauge | Histogram


_registered: list[Metric] = []


def counter(
    name: str, programs: tuple[str, ...], unit: str, meaning: str, mend: str, labels: tuple[str, ...] = ()
) -> Counter:
    """Registers a counter. `unit` is what one increment counts; `mend` says what to do when the metric is bad."""
    made = Counter(name, meaning, labels, registry=None)
    _registered.append(Metric(name, "counter", programs, labels, unit, meaning, mend, made))
    return made


def gauge(
    name: str, programs: tuple[str, ...], unit: str, meaning: str, mend: str, labels: tuple[str, ...] = ()
) -> Gauge:
    """Registers a gauge. Without labels it starts as NaN: not known yet, which 0 would hide."""
    made = Gauge(name, meaning, labels, registry=None)
    if not labels:
        made.set(math.nan)  # a comparison with it is never true
    _registered.append(Metric(name, "gauge", programs, labels, unit, meaning, mend, made))
    return made


def seconds(
    name: str, programs: tuple[str, ...], meaning: str, mend: str, buckets: tuple[float, ...] = SECONDS_BUCKETS
) -> Histogram:
    """Registers a histogram of seconds."""
    made = Histogram(name, meaning, buckets=buckets, registry=None)
    _registered.append(Metric(name, "histogram", programs, (), "seconds", meaning, mend, made))
    return made


def registered() -> tuple[Metric, ...]:
    """All metrics whose modules have been imported, in the order of their declaration."""
    return tuple(_registered)


def metrics_of(program: str) -> tuple[Metric, ...]:
    """The metrics that a program exposes; its own module of metrics must have been imported."""
    return tuple(metric for metric in _registered if program in metric.programs)
