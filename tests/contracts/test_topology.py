"""What is declared of the programs is what the code does: topics by the imports, tables by what the users may do."""

import ast
import re
from functools import cache

import grimp
import pytest
from typer.main import get_command

from connectors.debezium.connector import Target, configuration
from connectors.mariadb.server.migrate import METADATA
from connectors.mariadb.server.users import grants
from docs.drawing import PACKAGES, ROOT
from schemas import topics
from schemas.topics import CHANGES, HEARTBEAT, SCHEMA_HISTORY, TOPICS, Topic
from streams.cli import app
from streams.topology import OF_OTHERS, PROGRAMS, STORES, Program

NAMES = {name: topic for name, topic in vars(topics).items() if isinstance(topic, Topic)}
OURS = [program for program in PROGRAMS if program.name not in ("capture", "prepare")]
BY_NAME = {program.name: program for program in PROGRAMS}


@cache
def graph() -> grimp.ImportGraph:
    # Without its cache, which goes by the files' times: after a rebase it told imports of before.
    return grimp.build_graph(*PACKAGES, exclude_type_checking_imports=True, cache_dir=None)


@cache
def parsed(module: str) -> ast.Module:
    path = ROOT.joinpath(*module.split("."))
    return ast.parse((path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text())


def closure(program: Program) -> set[str]:
    """The program's module and everything that it imports, however far away."""
    return {program.module} | graph().find_upstream_modules(program.module)


def imported(module: str) -> set[str]:
    """The names of topics that a module takes from the registry."""
    froms = [node for node in ast.walk(parsed(module)) if isinstance(node, ast.ImportFrom)]
    return {one.name for node in froms if node.module == "schemas.topics" for one in node.names} & NAMES.keys()


def written(module: str) -> set[str]:
    """The names of topics that stand in what a module writes: an `ProducerRecord(...)`, or a `produce(...)`."""
    calls = [node for node in ast.walk(parsed(module)) if isinstance(node, ast.Call)]
    writing = [call for call in calls if ast.unparse(call.func).rsplit(".", 1)[-1] in ("ProducerRecord", "produce")]
    return {node.id for call in writing for node in ast.walk(call) if isinstance(node, ast.Name)} & NAMES.keys()


def connects_as(module: str) -> set[str]:
    """The database users whose address (`....url("pipeline")`) a module asks for; `command` is its whole room."""
    room, _, front = module.rpartition(".")
    inside = graph().find_descendants(room) if front == "command" else {module}
    calls = [node for one in inside for node in ast.walk(parsed(one)) if isinstance(node, ast.Call)]
    asked = [call.args[0] for call in calls if ast.unparse(call.func).endswith(".url") and call.args]
    return {str(one.value) for one in asked if isinstance(one, ast.Constant)}


def named(found: tuple[Topic, ...]) -> set[str]:
    return {name for name, topic in NAMES.items() if topic in found}


@pytest.mark.parametrize("program", OURS, ids=lambda program: program.name)
def test_a_program_declares_the_topics_that_its_imports_use(program: Program) -> None:
    modules = closure(program)
    assert named(program.reads + program.writes) == set[str]().union(*map(imported, modules))
    assert named(program.writes) == set[str]().union(*map(written, modules))


def test_every_command_is_a_program_or_runs_others() -> None:
    commands = set(getattr(get_command(app), "commands", {}))
    assert {program.name for program in PROGRAMS} - {"capture"} | set(OF_OTHERS) == commands


def test_prepare_makes_every_topic() -> None:
    assert BY_NAME["prepare"].writes == TOPICS


def test_every_table_is_in_one_store() -> None:
    tables = [table for store in STORES.values() for table in store]
    assert sorted(tables) == sorted(METADATA.tables)


def test_a_program_declares_the_users_that_it_connects_as() -> None:
    for program in OURS:
        assert connects_as(program.module) == set(program.users), program.name


@pytest.mark.parametrize("program", [*OURS, BY_NAME["capture"]], ids=lambda program: program.name)
def test_the_database_lets_a_program_do_what_it_declares(program: Program) -> None:
    may_read: set[str] = set()
    may_write: set[str] = set()
    for grant in grants("d"):
        found = re.fullmatch(r"GRANT (.+) ON `d`\.`(\w+)` TO '(\w+)'@'%'", grant)
        if found and found[3] in program.users:
            may_read |= {found[2]} if "SELECT" in found[1] else set()
            may_write |= {found[2]} if {"INSERT", "UPDATE"} & set(found[1].split(", ")) else set()
    assert set(program.reads_tables) <= may_read
    assert set(program.writes_tables) <= may_write


def test_capture_reads_and_writes_what_its_configuration_says() -> None:
    capture = BY_NAME["capture"]
    said = configuration(
        Target(
            database_host="h",
            database_port=1,
            database_password="p",
            kafka_bootstrap="k",
            partitions=CHANGES.partitions,
            database="d",
        )
    )
    captured = tuple(table.removeprefix("d.") for table in said["table.include.list"].split(","))
    assert captured == capture.reads_tables
    assert said["transforms.merge.topic.replacement"] == CHANGES.name
    assert said["schema.history.internal.kafka.topic"] == SCHEMA_HISTORY.name
    assert f"{said['topic.heartbeat.prefix']}.{said['topic.prefix']}" == HEARTBEAT.name
    assert capture.writes == (CHANGES, SCHEMA_HISTORY, HEARTBEAT)
