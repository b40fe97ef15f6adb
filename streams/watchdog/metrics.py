"""The metrics of the watchdog: capture's state, and the lag of every consumer."""

from streams.telemetry.registry import WATCHDOG, gauge

CAPTURE_RUNNING = gauge(
    "timeloom_capture_running",
    (WATCHDOG,),
    "0 or 1",
    "1 while Connect says that the connector and its task run, and they aren't silent. Silence is found after 45 s; "
    "meanwhile the age of the newest change grows, and no lag does.",
    "`./timeloom stack status` says why. The watchdog restarts a failed or silent task by itself, and is not well "
    "once it has given up.",
)

_OF_GROUP = ("cluster_name", "group")
_OF_PARTITION = (*_OF_GROUP, "topic", "partition", "member_host", "client_id")

LAG = gauge(
    "kafka_consumergroup_group_lag",
    (WATCHDOG,),
    "offsets",
    "Offsets from a consumer's first unread record to the end; exactly 0 where nothing is left to read, also on "
    "transactional topics.",
    "See kafka_consumergroup_group_lag_seconds: offsets alone say little.",
    _OF_PARTITION,
)
LAG_SECONDS = gauge(
    "kafka_consumergroup_group_lag_seconds",
    (WATCHDOG,),
    "seconds",
    "How long a consumer's oldest unread record has waited; 0 where there is none.",
    "Over 10 s and growing: `./timeloom ops status` names the link that is broken.",
    _OF_PARTITION,
)
SUM_LAG = gauge(
    "kafka_consumergroup_group_sum_lag",
    (WATCHDOG,),
    "offsets",
    "The lag of all partitions together.",
    "As above.",
    _OF_GROUP,
)
MAX_SECONDS = gauge(
    "kafka_consumergroup_group_max_lag_seconds",
    (WATCHDOG,),
    "seconds",
    "The longest wait of all partitions.",
    "As above.",
    _OF_GROUP,
)
STATUS = gauge(
    "timeloom_consumer_status",
    (WATCHDOG,),
    "1",
    "The status of a consumer by Burrow's rules, as the label; only the one that it has now.",
    "Anything but OK: the runbook has a table of what to do.",
    ("group", "status"),
)
BINLOG_BEHIND = gauge(
    "timeloom_binlog_behind_bytes",
    (WATCHDOG,),
    "bytes",
    "Binlog that MariaDB has written since capture's place; some hundred bytes at rest. NaN: not known, or the file "
    "that capture needs is gone.",
    "Grows: capture stands still; `./timeloom ops status` says why. It must not reach what the binlog keeps.",
)
