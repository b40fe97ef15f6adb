"""How far the consumers are behind, as Prometheus gets it; and nothing where nobody can tell."""

import math

from prometheus_client import Gauge

from connectors.debezium.connector import Connect
from connectors.kafka.client.cluster import Cluster
from connectors.kafka.consumers.consumer_groups import Member
from connectors.mariadb.server.engine import connect, database_url
from processors.monitoring.status import Status
from streams.shared.consumer_state import ConsumerState, PartitionState
from streams.watchdog import metrics
from streams.watchdog.lag_metrics import LagMetrics, set_gauges

SEEN = ConsumerState(
    group="group",
    state="STABLE",
    status=Status.STALL,
    lag=7,
    lag_seconds=40.0,
    members=(Member(client="faust", host="10.0.0.1", partitions=(("changes", 3),)),),
    partitions=(
        PartitionState(
            topic="changes", partition=3, status=Status.OK, place=5, committed=5, end=5, lag=0, lag_seconds=0.0
        ),
        PartitionState(
            topic="changes", partition=4, status=Status.STOP, place=5, committed=5, end=12, lag=7, lag_seconds=40.0
        ),
    ),
)


def samples(gauge: Gauge) -> dict[tuple[str, ...], float]:
    (family,) = gauge.collect()
    return {tuple(sample.labels.values()): sample.value for sample in family.samples}


def test_each_partition_has_its_lag_and_who_has_it() -> None:
    set_gauges("broker:9092", SEEN)
    assert samples(metrics.LAG) == {
        ("broker:9092", "group", "changes", "3", "10.0.0.1", "faust"): 0,
        ("broker:9092", "group", "changes", "4", "", ""): 7,
    }
    assert samples(metrics.LAG_SECONDS)["broker:9092", "group", "changes", "4", "", ""] == 40
    assert samples(metrics.SUM_LAG) == {("broker:9092", "group"): 7}
    assert samples(metrics.MAX_LAG_SECONDS) == {("broker:9092", "group"): 40}
    assert samples(metrics.CONSUMER_STATUS) == {("group", "STALL"): 1}


def test_where_nobody_answers_no_old_figure_stands() -> None:
    set_gauges("broker:9092", SEEN)
    metrics.BINLOG_BEHIND_BYTES.set(5)
    nowhere = connect(database_url("127.0.0.1", 9, "capture", "p"), pool_size=1)
    LagMetrics(Cluster("127.0.0.1:9"), nowhere, nowhere, Connect("http://127.0.0.1:9")).measure()
    for gauge in (metrics.LAG, metrics.LAG_SECONDS, metrics.SUM_LAG, metrics.MAX_LAG_SECONDS, metrics.CONSUMER_STATUS):
        assert samples(gauge) == {}
    assert math.isnan(samples(metrics.BINLOG_BEHIND_BYTES)[()])
