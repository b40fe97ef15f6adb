"""The programs as values: what each reads and writes, and as which database users. `docs.drawing` draws them.

tests/contracts/test_topology.py holds them to the code: topics to what the imports use and write, tables to what the
database users may do.
"""

from collections.abc import Mapping

import msgspec

from schemas.topics import CHANGES, DEAD_LETTERS, GROUPS, HEARTBEAT, SCHEMA_HISTORY, TOPICS, WORKING_SET, Topic

PEOPLE = ("firm", "timekeeper", "client", "matter")
CAPTURED = ("activity", "feedback", "release", "activation", "mark", "cadence")
DECIDED = ("activity", "feedback", "release", "activation")
BOOKS = (
    "period",
    "activity_group",
    "group_member",
    "sliced_activity",
    "entry",
    "entry_activity",
    "day_minutes",
    "narrative",
    "llm_call",
    "narrative_call",
    "mark_seen",
    "consumer_offset",
)
SHELF = ("model",)
CAPTURES_OWN = ("debezium_signal", "debezium_heartbeat")
STORES: Mapping[str, tuple[str, ...]] = {
    "people": PEOPLE,
    "captured": CAPTURED,
    "books": BOOKS,
    "shelf": SHELF,
    "own": CAPTURES_OWN,
}
"""All tables. `people`: directory. `captured`: what goes through Kafka. `books`: the ledger, which `bill` writes.
`shelf`: firms' models. `own`: what only capture uses.
"""


class Program(msgspec.Struct, frozen=True):
    """A program: what it does, where it is, what it reads and writes, and as which database users it connects.

    `always`: it runs as long as the stack does. The others are commands that end.
    """

    name: str
    does: str
    module: str
    reads: tuple[Topic, ...] = ()
    writes: tuple[Topic, ...] = ()
    reads_tables: tuple[str, ...] = ()
    writes_tables: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    always: bool = False


PROGRAMS = (
    Program(
        "capture",
        "Debezium in Kafka Connect: writes every change of a timekeeper's rows, in binlog order",
        "connectors/debezium/connector.properties",
        writes=(CHANGES, SCHEMA_HISTORY, HEARTBEAT),
        reads=(SCHEMA_HISTORY,),
        reads_tables=(*CAPTURED, "debezium_signal"),
        writes_tables=("debezium_heartbeat",),
        users=("capture",),
        always=True,
    ),
    Program(
        "group",
        "decides which activities are one piece of work",
        "streams.group.command",
        reads=(CHANGES, GROUPS, WORKING_SET),
        writes=(GROUPS, WORKING_SET, DEAD_LETTERS),
        reads_tables=SHELF,
        users=("pipeline",),
        always=True,
    ),
    Program(
        "bill",
        "stores groups as time entries, closes due periods, generates narratives",
        "streams.bill.command",
        reads=(GROUPS,),
        writes=(DEAD_LETTERS,),
        reads_tables=(*PEOPLE, "activity", "cadence", *BOOKS),
        writes_tables=("mark", *BOOKS),
        users=("pipeline",),
        always=True,
    ),
    Program(
        "watchdog",
        "restarts capture's task where it failed or fell silent; measures the lag of every consumer",
        "streams.watchdog.command",
        reads=(CHANGES, GROUPS, HEARTBEAT),
        reads_tables=("consumer_offset",),
        users=("pipeline", "capture"),
        always=True,
    ),
    Program(
        "verify",
        "proves that the ledger follows from the activities; `--mend` resends what was missed",
        "streams.verify.command",
        reads=(CHANGES, GROUPS, WORKING_SET, DEAD_LETTERS),
        reads_tables=(*PEOPLE, *CAPTURED, *BOOKS),
        writes_tables=("mark", "activity", *BOOKS),
        users=("pipeline", "collector"),
    ),
    Program(
        "watch",
        "shows groups as they form",
        "streams.views.watch",
        reads=(GROUPS,),
        reads_tables=("firm", "timekeeper", "activity"),
        users=("pipeline",),
    ),
    Program(
        "import",
        "imports files, calendars and git histories",
        "streams.files.import_files",
        reads_tables=("cadence",),
        writes_tables=("firm", "timekeeper", "activity"),
        users=("collector",),
    ),
    Program(
        "simulate",
        "writes a generated week as a collector would",
        "streams.simulate.command",
        writes_tables=(*PEOPLE, "activity", "cadence"),
        users=("collector",),
    ),
    Program(
        "export",
        "writes activities, feedback, releases and activations as event lines",
        "streams.files.export",
        reads_tables=("firm", "timekeeper", "activity", "feedback", "release", "activation"),
        users=("pipeline",),
    ),
    Program(
        "timesheet",
        "shows entries as a table, a page or JSON",
        "streams.views.timesheet",
        reads_tables=(*PEOPLE, "activity", "activity_group", "group_member", "entry", "narrative", "day_minutes"),
        users=("pipeline",),
    ),
    Program(
        "ops",
        "shows what is broken and the state of the consumers, and moves their offsets; starts snapshots of tables; "
        "retries and discards dead letters",
        "streams.ops.command",
        reads=(CHANGES, GROUPS, DEAD_LETTERS, HEARTBEAT),
        writes=(DEAD_LETTERS,),
        reads_tables=("timekeeper", *CAPTURED, "mark_seen", "consumer_offset", "debezium_signal"),
        writes_tables=("mark", *DECIDED, "debezium_signal"),
        users=("pipeline", "capture", "collector"),
    ),
    Program(
        "model",
        "stores firms' grouping models, and activates one for their timekeepers",
        "streams.models.command",
        reads_tables=("firm", "timekeeper", "activation", *SHELF),
        writes_tables=("activation", *SHELF),
        users=("pipeline", "collector"),
    ),
    Program("preview", "groups a file by the same decisions, without any stack", "streams.files.preview"),
    Program(
        "evaluate",
        "compares groupings with events whose true groups are known, without any stack",
        "streams.evaluate.command",
    ),
    Program("train", "trains a grouping model on such events, without any stack", "streams.models.train"),
    Program(
        "prepare",
        "creates or checks tables, users, topics and the connector",
        "streams.stack.prepare",
        writes=TOPICS,
        users=("admin",),
    ),
)

OF_OTHERS = ("stack", "demo")
"""Commands that start or run the programs above and read nothing by themselves."""
