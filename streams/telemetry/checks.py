"""Health checks that several programs have: the loop turns, our code hasn't failed, it wasn't told to stop."""

import asyncio
import time
from collections.abc import Callable

from schemas.checks import HealthCheck
from schemas.outcomes import Reason
from streams.telemetry import metrics

BEAT_INTERVAL_S = 0.1
"""How often a loop's lateness is measured."""

Clock = Callable[[], float]


class LoopHeartbeat:
    """Checks that a loop turns: the loop calls `beat`, others ask. `max_turn_s` is the longest healthy turn."""

    def __init__(self, max_turn_s: float, clock: Clock = time.monotonic) -> None:
        self._max_turn_s, self._clock = max_turn_s, clock
        self._last_beat = clock()

    def beat(self) -> None:
        """The loop has come round."""
        self._last_beat = self._clock()

    async def run(self) -> None:
        """Beats for an event loop and measures how late it comes back, until it is cancelled."""
        while True:
            due = self._clock() + BEAT_INTERVAL_S
            await asyncio.sleep(BEAT_INTERVAL_S)
            metrics.LOOP_LAG_SECONDS.observe(max(0.0, self._clock() - due))
            self.beat()

    def check(self) -> HealthCheck:
        """Whether the loop turns."""
        since = self._clock() - self._last_beat
        if since <= self._max_turn_s:
            return HealthCheck("loop", True, "turns")
        return HealthCheck("loop", False, f"has stood still for {since:.0f} s", "Read its log, then restart it.")


def no_bugs_check() -> HealthCheck:
    """Whether no record became a dead letter because of a bug of ours since this process started."""
    bugs = sum(
        sample.value
        for family in metrics.DEAD_LETTERS.collect()
        for sample in family.samples
        if sample.name == "timeloom_dead_letters_total" and sample.labels.get("reason") == Reason.BUG
    )
    if not bugs:
        return HealthCheck("bugs", True, "none")
    return HealthCheck(
        "bugs",
        False,
        f"since the start our own code failed on {bugs:.0f} records, which went to the dead letters",
        "Report the letters' detail and the log; upgrade, then have the rows said again. A restart clears this check, "
        "not the letters.",
    )


def not_stopping(stop_requested: bool) -> HealthCheck:
    """Whether it wasn't told to stop. After that, work in progress ends and nothing new begins."""
    if stop_requested:
        return HealthCheck("running", False, "is stopping", "Nothing: whoever told it to stop starts it again.")
    return HealthCheck("running", True, "runs")


def partitions_assigned(assigned: bool, count: int) -> HealthCheck:
    """Whether the broker has assigned partitions. None is right if there are more processes than partitions."""
    if assigned:
        return HealthCheck("partitions", True, f"has {count}")
    return HealthCheck(
        "partitions",
        False,
        "waits for the broker to assign partitions",
        "Some seconds after a start, or after another process was killed; longer: `./timeloom stack status`.",
    )
