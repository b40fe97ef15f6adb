"""Draws the programs and the packages for README.md and docs/architecture.md, and the metrics for docs/metrics.md.

    .venv/bin/python -m docs.drawing --write        rewrites what is drawn in them (`make drawing`)

The flow and the table come from `streams.topology`, the packages from the imports themselves, the metrics from
`streams.telemetry.metrics`.
"""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from schemas.topics import CHANGES, DEAD_LETTERS, GROUPS, TOPICS, WORKING_SET, Topic
from streams.bill import metrics as of_bill
from streams.group import metrics as of_group
from streams.telemetry import metrics as of_all
from streams.telemetry.registry import Metric, registered
from streams.topology import BOOKS, CAPTURED, PEOPLE, PROGRAMS, Program
from streams.watchdog import metrics as of_watchdog

ROOT = Path(__file__).parents[1]
DRAWN = (ROOT / "README.md", ROOT / "docs" / "architecture.md")
METRICS_PAGE = ROOT / "docs" / "metrics.md"
METRIC_MODULES = (of_all, of_group, of_bill, of_watchdog)
"""Importing them registers their metrics."""

METRICS: tuple[Metric, ...] = registered()
PACKAGES = ("schemas", "processors", "connectors", "streams")

SHOWN_TOPICS = (CHANGES, GROUPS, WORKING_SET, DEAD_LETTERS)
SHOWN_STORES = {"captured": CAPTURED, "people": PEOPLE, "books": BOOKS}


def flow() -> str:
    """What runs as long as the stack does, as Mermaid: tables, topics, and the way between them."""
    lines = ["flowchart LR", '    collectors(["collectors: import, simulate, yours"])']
    lines += [f'    {name}[("{_rows(tables)}")]' for name, tables in SHOWN_STORES.items()]
    lines += [f'    {_id(topic.name)}[/"{topic.name}"/]' for topic in SHOWN_TOPICS]
    lines += ["    collectors --> captured", "    collectors --> people"]
    for program in PROGRAMS:
        if program.always:
            lines += [f'    {program.name}["{program.name}"]', *_ways(program)]
    return "\n".join([*lines, '    books --> timesheet(["timesheet"])'])


def _ways(program: Program) -> list[str]:
    """The arrows of a program: one with two heads for a topic that it also reads back."""
    lines = []
    for topic in SHOWN_TOPICS:
        if topic in program.writes:
            arrow = "<-->" if topic in program.reads else "-->"
            lines.append(f"    {program.name} {arrow} {_id(topic.name)}")
        elif topic in program.reads:
            lines.append(f"    {_id(topic.name)} --> {program.name}")
    for name, tables in SHOWN_STORES.items():
        if name != "books" and (read := _label(tables, program.reads_tables)) is not None:
            lines.append(f"    {name} -->{read} {program.name}")
        if (written := _label(tables, program.writes_tables)) is not None:
            lines.append(f"    {program.name} -->{written} {name}")
    return lines


def _label(store: Sequence[str], tables: Sequence[str]) -> str | None:
    """Which tables of a store an arrow is about: none is no arrow, all of them need no saying."""
    found = [table for table in store if table in tables]
    if not found:
        return None
    return "" if len(found) == len(store) else f"|{', '.join(found)}|"


def _rows(tables: Sequence[str]) -> str:
    return ",<br>".join(", ".join(tables[n : n + 3]) for n in range(0, len(tables), 3))


def table() -> str:
    """Every program with what it reads and writes, as a Markdown table."""
    lines = ["| program | does | reads | writes | as |", "| --- | --- | --- | --- | --- |"]
    for one in PROGRAMS:
        reads, writes = _named(one.reads, one.reads_tables), _named(one.writes, one.writes_tables)
        lines.append(f"| `{one.name}` | {one.does} | {reads} | {writes} | {', '.join(one.users) or '–'} |")
    return "\n".join(lines)


def _named(topics: Sequence[Topic], tables: Sequence[str]) -> str:
    """Topics in bold, then tables; a whole store by one name."""
    said = ["**all topics**"] if topics == TOPICS else [f"**{topic.name}**" for topic in topics]
    left = list(tables)
    for name, store in (("people", PEOPLE), ("captured", CAPTURED), ("books", BOOKS)):
        if set(store) <= set(left):
            left = [table for table in left if table not in store]
            said.append(f"*{name}*")
    return ", ".join(said + [f"`{table}`" for table in left]) or "–"


def metrics_of(program: str) -> tuple[Metric, ...]:
    """The metrics that a program exposes."""
    return tuple(metric for metric in METRICS if program in metric.programs)


def metrics() -> str:
    """Every metric with its meaning and what to do about it, as Markdown tables, one for each set of programs."""
    tables = []
    for programs in dict.fromkeys(metric.programs for metric in METRICS):
        lines = [
            f"### {' and '.join(programs)}",
            "",
            "| metric | what it says | when it is bad |",
            "| --- | --- | --- |",
        ]
        for one in METRICS:
            if one.programs == programs:
                labels = f"{{{', '.join(one.labels)}}}" if one.labels else ""
                lines.append(f"| `{one.name}{labels}` ({one.kind}, {one.unit}) | {one.meaning} | {one.remedy} |")
        tables.append("\n".join(lines))
    return "\n\n".join(tables)


def packages() -> str:
    """Which part imports which, as Mermaid, from the imports themselves."""
    import grimp  # comes with import-linter, which only development has

    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    pairs = {
        (part(importer), part(imported))
        for importer in graph.modules
        for imported in graph.find_modules_directly_imported_by(importer)
    }
    parts = sorted({one for pair in pairs for one in pair})
    lines = ["flowchart TB"]
    for package in PACKAGES:
        inside = [one for one in parts if one.startswith(f"{package}.")]
        drawn = [f'        {_id(one)}["{one.split(".")[1]}"]' for one in inside]
        lines += [f"    subgraph {package}", *drawn, "    end"] if inside else [f"    {package}"]
    # Every part imports schemas; an arrow from each would hide the others.
    of_schemas = sorted({a.split(".")[0] for a, b in pairs if b == "schemas" and a != b})
    lines += [f"    {_id(a)} --> {_id(b)}" for a, b in sorted(pairs) if b != "schemas" and a != b]
    return "\n".join([*lines, *(f"    {package} --> schemas" for package in of_schemas)])


def rooms() -> str:
    """Which room of streams imports which, as Mermaid. The settings, which nearly all read, are left out."""
    import grimp

    graph = grimp.build_graph("streams", cache_dir=None)  # a cache goes by times of files, and tells old imports
    named = {module: module.split(".")[1] for module in graph.modules if module.count(".") > 1}
    pairs = {
        (named[importer], named[imported])
        for importer in named
        for imported in graph.find_modules_directly_imported_by(importer)
        if imported in named
    }
    return "\n".join(["flowchart LR", *(f"    {a} --> {b}" for a, b in sorted(pairs) if a != b)])


def _id(name: str) -> str:
    """A name that Mermaid takes for a node."""
    return name.replace(".", "_").replace("-", "_")


def part(module: str) -> str:
    """What a module is drawn as: its folder inside processors or connectors, else its package."""
    package, *inside = module.split(".")
    return f"{package}.{inside[0]}" if inside and package in ("processors", "connectors") else package


def redrawn(page: str) -> str:
    """A page with what stands between its `drawn` marks made anew."""
    for name, make in (
        ("flow", flow),
        ("programs", table),
        ("packages", packages),
        ("rooms", rooms),
        ("metrics", metrics),
    ):
        begin, end = f"<!-- drawn: {name} -->", "<!-- end -->"
        if begin in page:
            before, rest = page.split(begin, 1)
            made = make() if make in (table, metrics) else f"```mermaid\n{make()}\n```"
            page = f"{before}{begin}\n{made}\n{end}{rest.split(end, 1)[1]}"
    return page


def main(arguments: Iterable[str]) -> None:
    """Prints the flow, or rewrites the pages with `--write`."""
    if "--write" not in arguments:
        print(flow())
        return
    for page in (*DRAWN, METRICS_PAGE):
        page.write_text(redrawn(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
