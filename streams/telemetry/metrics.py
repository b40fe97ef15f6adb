"""Every metric of ours, as a closed list: name, labels, unit, meaning, what to do when it is bad.

docs/metrics.md is made from it (`make drawing`). No label holds a timekeeper, a matter, a client or words: walls hold
for metrics too, and a series for each person would be without end.
"""

import math
from typing import Literal

import msgspec
from prometheus_client import Counter, Gauge, Histogram

from schemas.outcomes import Reason

GROUP, BILL, TEND = "group", "bill", "tend"

Kind = Literal["counter", "gauge", "histogram"]

# From what nobody notices to what wakes somebody up: a tenth of a second is the aim live, some seconds after faults.
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
# A regroup may hold the loop for 200 ms at most.
LAGS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0)


class Metric(msgspec.Struct, frozen=True):
    """One metric. `programs` expose it; `mend` says what to do when it is bad."""

    name: str
    kind: Kind
    programs: tuple[str, ...]
    labels: tuple[str, ...]
    unit: str
    meaning: str
    mend: str
    collector: Counter | Gauge | Histogram


_listed: list[Metric] = []


def _counter(
    name: str, programs: tuple[str, ...], unit: str, meaning: str, mend: str, labels: tuple[str, ...] = ()
) -> Counter:
    made = Counter(name, meaning, labels, registry=None)
    _listed.append(Metric(name, "counter", programs, labels, unit, meaning, mend, made))
    return made


def _gauge(
    name: str, programs: tuple[str, ...], unit: str, meaning: str, mend: str, labels: tuple[str, ...] = ()
) -> Gauge:
    made = Gauge(name, meaning, labels, registry=None)
    if not labels:
        made.set(math.nan)  # not known yet, which 0 would hide: a comparison with it is never true
    _listed.append(Metric(name, "gauge", programs, labels, unit, meaning, mend, made))
    return made


def _seconds(
    name: str, programs: tuple[str, ...], meaning: str, mend: str, buckets: tuple[float, ...] = SECONDS
) -> Histogram:
    made = Histogram(name, meaning, buckets=buckets, registry=None)
    _listed.append(Metric(name, "histogram", programs, (), "seconds", meaning, mend, made))
    return made


READY = _gauge(
    "timeloom_ready",
    (GROUP, BILL, TEND),
    "0 or 1",
    "1 while /readyz says that the program is ready.",
    "Ask /readyz: it says what is missing and what to do.",
)
WELL = _gauge(
    "timeloom_healthy",
    (GROUP, BILL, TEND),
    "0 or 1",
    "1 while /healthz says that the program is well.",
    "Ask /healthz: it says what is wrong and what to do.",
)
PARTITIONS_OWNED = _gauge(
    "timeloom_partitions_owned",
    (GROUP, BILL),
    "partitions",
    "Partitions that this process has. Over all processes of a program they sum to 16.",
    "Less than 16 for longer than a minute: a process is frozen or joins in vain; read its log, restart it.",
)
DEAD_LETTERS = _counter(
    "timeloom_dead_letters_total",
    (GROUP, BILL),
    "records",
    "Records that went to the dead letters, by reason.",
    "Look the reason up in the runbook, mend the row. `bug` means our own code: report it.",
    ("reason",),
)
BATCH_SECONDS = _seconds(
    "timeloom_batch_seconds",
    (GROUP, BILL),
    "How long a batch took, written and all; its count is the number of batches.",
    "Grows with the batch under load. High without load: the broker or the database is slow, or the cores are taken.",
)

CHANGES = _counter(
    "timeloom_changes_total",
    (GROUP,),
    "changes",
    "Changes done: everything that they cause is on the broker. After a crash some are counted again.",
    "Zero while lag grows: the worker stands still; read its log.",
)
WAITING = _gauge(
    "timeloom_changes_waiting",
    (GROUP,),
    "changes",
    "Changes that were fetched and are in no batch yet. The worker stops fetching at 20,000.",
    "Near 20,000 for minutes: more comes than one worker groups; start another.",
)
CHANGE_SECONDS = _seconds(
    "timeloom_change_to_group_seconds",
    (GROUP,),
    "From a change's arrival on `changes` until all that it causes is on the broker; of each batch its oldest change.",
    "High with a backlog, falling: it catches up. High without one: see timeloom_batch_seconds.",
)
COMMIT_SECONDS = _seconds(
    "timeloom_commit_to_group_seconds",
    (GROUP,),
    "From the commit in MariaDB until its group is on the broker; of each batch its last group. The binlog has whole "
    "seconds, so it reads up to 1 s too long.",
    "High while timeloom_change_to_group_seconds is low: capture is behind; see connect.",
)
GROUPS_SAID = _counter(
    "timeloom_groups_said_total",
    (GROUP,),
    "records",
    "Groups written to `groups`: new values, and tombstones of groups that are gone.",
    "Zero while changes are done: they change nothing that is grouped, or all are dead letters.",
    ("what",),
)
ACTIVITIES = _gauge(
    "timeloom_working_set_activities",
    (GROUP,),
    "activities",
    "Activities in the working sets of this process: what it decides over and holds in memory.",
    "Grows without end: the horizon drops nothing; give the process memory, or start another.",
)
SET_ASIDE = _gauge(
    "timeloom_timekeepers_set_aside",
    (GROUP,),
    "timekeepers",
    "Timekeepers whose groups stay as they were, since our own code fails on their work.",
    "Above 0: report the detail of their letters, reason `bug`; after the upgrade the next start tries again.",
)
READ_BACK_SECONDS = _seconds(
    "timeloom_read_back_seconds",
    (GROUP,),
    "How long it took to read a partition back when it was assigned.",
    "Over 20 s: its topics aren't compacted, or the disk is slow.",
)
LOOP_LAG_SECONDS = _seconds(
    "timeloom_event_loop_lag_seconds",
    (GROUP,),
    "How late the event loop came back, measured ten times a second.",
    "Over 0.2 s: something blocks the loop, or the machine has no core for it. Over 6 s it loses its partitions.",
    LAGS,
)

GROUPS_TAKEN = _counter(
    "timeloom_groups_taken_total",
    (BILL,),
    "records",
    "Groups and tombstones kept in the database.",
    "Zero while its lag grows: bill stands still; read its log.",
)
ENTRIES = _counter(
    "timeloom_entries_sliced_total",
    (BILL,),
    "entries",
    "Entries that slicing wrote or changed.",
    "Zero while groups are taken: none of them is work, or their rows are in doubt.",
)
IN_DOUBT = _gauge(
    "timeloom_activities_in_doubt",
    (BILL,),
    "activities",
    "Activities whose row isn't what was grouped; the record that explains it is on its way.",
    "Above 0 for minutes: `./timeloom verify`, which says what is wrong and mends it with --mend.",
)
PERIODS_CLOSED = _counter(
    "timeloom_periods_closed_total",
    (BILL,),
    "periods",
    "Periods closed.",
    "Zero after a due date: `./timeloom bill next` says what waits for what.",
)
FENCED = _counter(
    "timeloom_fenced_total",
    (BILL,),
    "batches",
    "Batches that were rolled back because another process had read on.",
    "Once after a rebalance is right. Every few seconds: two stacks use one broker.",
)
COMMITTED = _gauge(
    "timeloom_newest_change_timestamp_seconds",
    (BILL,),
    "seconds since 1970",
    "When the newest change that reached the books was committed, in whole seconds. Its age is time() minus this.",
    "Old while people work: capture or group is behind; `./timeloom verify` says where it got stuck.",
)
CAPTURE_DELAY = _gauge(
    "timeloom_capture_delay_seconds",
    (BILL,),
    "seconds",
    "How old the newest change was when it reached the books.",
    "Grows: capture or group is behind; see kafka lag, then connect.",
)
LLM_CALLS = _counter(
    "timeloom_llm_calls_total",
    (BILL,),
    "calls",
    "Calls to the language model, by how they ended.",
    "Many that aren't `answered`: see call_failed in the log, and the endpoint.",
    ("outcome",),
)
LLM_DOLLARS = _counter(
    "timeloom_llm_dollars_total",
    (BILL,),
    "dollars",
    "What answered calls cost, as the endpoint counted their tokens.",
    "Grows faster than entries close: something is narrated again and again; see narrated in the log.",
)
LLM_TOKENS = _counter(
    "timeloom_llm_tokens_total",
    (BILL,),
    "tokens",
    "Tokens of answered calls.",
    "As for dollars.",
    ("direction",),
)
BUDGET_LEFT = _gauge(
    "timeloom_llm_budget_left_dollars",
    (BILL,),
    "dollars",
    "What may still be spent in these 24 hours; only while narration is on.",
    "Near 0: entries wait with their own words. Raise TIMELOOM_BUDGET_USD, or wait.",
)

CAPTURE_RUNNING = _gauge(
    "timeloom_capture_running",
    (TEND,),
    "0 or 1",
    "1 while Connect says that the connector and its task run, and they aren't silent: tend finds that out after 45 s, "
    "in which the age of the newest change grows, and no lag does.",
    "`./timeloom stack status` says why; tend starts a failed or silent task again by itself, and is not well once it "
    "has given up.",
)

_OF_GROUP = ("cluster_name", "group")
_OF_PARTITION = (*_OF_GROUP, "topic", "partition", "member_host", "client_id")

LAG = _gauge(
    "kafka_consumergroup_group_lag",
    (TEND,),
    "offsets",
    "Offsets from a consumer's first unread record to the end; exactly 0 where nothing is left to read, also on "
    "transactional topics.",
    "See kafka_consumergroup_group_lag_seconds: offsets alone say little.",
    _OF_PARTITION,
)
LAG_SECONDS = _gauge(
    "kafka_consumergroup_group_lag_seconds",
    (TEND,),
    "seconds",
    "How long a consumer's oldest unread record has waited; 0 where there is none.",
    "Over 10 s and growing: `./timeloom ops status` names the link that is broken.",
    _OF_PARTITION,
)
SUM_LAG = _gauge(
    "kafka_consumergroup_group_sum_lag",
    (TEND,),
    "offsets",
    "The lag of all partitions together.",
    "As above.",
    _OF_GROUP,
)
MAX_SECONDS = _gauge(
    "kafka_consumergroup_group_max_lag_seconds",
    (TEND,),
    "seconds",
    "The longest wait of all partitions.",
    "As above.",
    _OF_GROUP,
)
STATUS = _gauge(
    "timeloom_consumer_status",
    (TEND,),
    "1",
    "The status of a consumer by Burrow's rules, as the label; only the one that it has now.",
    "Anything but OK: the runbook has a table of what to do.",
    ("group", "status"),
)
BINLOG_BEHIND = _gauge(
    "timeloom_binlog_behind_bytes",
    (TEND,),
    "bytes",
    "Binlog that MariaDB has written since capture's place; some hundred bytes at rest. NaN: not known, or the file "
    "that capture needs is gone.",
    "Grows: capture stands still; `./timeloom ops status` says why. It must not reach what the binlog keeps.",
)

# A counter that appears with its first count has grown by nothing, as Prometheus sees it.
for _reason in Reason:
    DEAD_LETTERS.labels(str(_reason))

METRICS: tuple[Metric, ...] = tuple(_listed)


def of(program: str) -> tuple[Metric, ...]:
    """Those that a program exposes."""
    return tuple(metric for metric in METRICS if program in metric.programs)
