"""The metrics that `group`, `bill` and the watchdog share. Each program's own metrics are in its room."""

from schemas.checks import BILL, GROUP, WATCHDOG
from schemas.outcomes import Reason
from streams.telemetry.registry import LAG_BUCKETS, counter, gauge, seconds

READY = gauge(
    "timeloom_ready",
    (GROUP, BILL, WATCHDOG),
    "0 or 1",
    "1 while /readyz says that the program is ready.",
    "Ask /readyz: it says what is missing and what to do.",
)
HEALTHY = gauge(
    "timeloom_healthy",
    (GROUP, BILL, WATCHDOG),
    "0 or 1",
    "1 while /healthz says that the program is well.",
    "Ask /healthz: it says what is wrong and what to do.",
)
PARTITIONS_OWNED = gauge(
    "timeloom_partitions_owned",
    (GROUP, BILL),
    "partitions",
    "Partitions that this process has. Over all processes of a program they sum to 16.",
    "Less than 16 for longer than a minute: a process is frozen or joins in vain; read its log, restart it.",
)
DEAD_LETTERS = counter(
    "timeloom_dead_letters_total",
    (GROUP, BILL),
    "records",
    "Records that went to the dead letters, by reason.",
    "Look the reason up in the runbook, mend the row. `bug` means our own code: report it.",
    ("reason",),
)
BATCH_SECONDS = seconds(
    "timeloom_batch_seconds",
    (GROUP, BILL),
    "How long a batch took, written and all; its count is the number of batches.",
    "Grows with the batch under load. High without load: the broker or the database is slow, or the cores are taken.",
)
LOOP_LAG_SECONDS = seconds(
    "timeloom_event_loop_lag_seconds",
    (GROUP,),
    "How late the event loop came back, measured ten times a second.",
    "Over 0.2 s: something blocks the loop, or the machine has no core for it. Over 6 s it loses its partitions.",
    LAG_BUCKETS,
)

# A counter that appears with its first count has grown by nothing, as Prometheus sees it.
for _reason in Reason:
    DEAD_LETTERS.labels(str(_reason))
