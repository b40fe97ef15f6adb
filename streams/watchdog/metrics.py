"""The metrics of the watchdog: capture's state, and the lag of every consumer."""

from schemas.checks import WATCHDOG
from streams.telemetry.registry import gauge

CAPTURE_RUNNING = gauge(
    "timeloom_capture_running",
    (WATCHDOG,),
    "0 or 1",
    "1 while Connect reports that the connector and its task run, and they aren't silent. Silence is found after 45 s; "
    "until then the age of the newest change grows, and no lag does.",
    "`./timeloom stack status` shows why. The watchdog restarts a failed or silent task by itself, and is not well "
    "once it has given up.",
)

_GROUP_LABELS = ("cluster_name", "group")
_PARTITION_LABELS = (*_GROUP_LABELS, "topic", "partition", "member_host", "client_id")

LAG = gauge(
    "kafka_consumergroup_group_lag",
    (WATCHDOG,),
    "offsets",
    "Offsets from a consumer's first unread record to the end; exactly 0 where nothing is left to read, even on "
    "transactional topics.",
    "See kafka_consumergroup_group_lag_seconds: a number of offsets alone shows little.",
    _PARTITION_LABELS,
)
LAG_SECONDS = gauge(
    "kafka_consumergroup_group_lag_seconds",
    (WATCHDOG,),
    "seconds",
    "How long a consumer's oldest unread record has waited; 0 where there is none.",
    "Over 10 s and growing: `./timeloom ops status` names the link that is broken.",
    _PARTITION_LABELS,
)
SUM_LAG = gauge(
    "kafka_consumergroup_group_sum_lag",
    (WATCHDOG,),
    "offsets",
    "The lag of all partitions together.",
    "As above.",
    _GROUP_LABELS,
)
MAX_LAG_SECONDS = gauge(
    "kafka_consumergroup_group_max_lag_seconds",
    (WATCHDOG,),
    "seconds",
    "The longest wait of all partitions.",
    "As above.",
    _GROUP_LABELS,
)
CONSUMER_STATUS = gauge(
    "timeloom_consumer_status",
    (WATCHDOG,),
    "1",
    "The status of a consumer by Burrow's rules, as the label. Only the current one is present.",
    "Anything but OK: the runbook has a table of remedies.",
    ("group", "status"),
)
BINLOG_BEHIND_BYTES = gauge(
    "timeloom_binlog_behind_bytes",
    (WATCHDOG,),
    "bytes",
    "Bytes of binlog that MariaDB has written since capture's position; some hundred when idle. NaN: not known, or the "
    "file that capture needs is gone.",
    "Grows: capture is stuck; `./timeloom ops status` shows why. It must not reach the size of the kept binlog.",
)
