"""`timesheet`: one timekeeper's entries as a table, a page or JSON. It reads, and changes nothing."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from schemas.errors import ConfigurationError

if TYPE_CHECKING:
    from rich.console import RenderableType
    from sqlalchemy import Connection

    from connectors.mariadb.source.directory import TimekeeperProfile
    from processors.billing.timesheet import Line, SheetDay, Timesheet
    from schemas.billing import Slice
    from schemas.keys import Scope

DEFAULT_DAYS = 7
"""How much is shown where nothing else is said: the week that ends with the last day on which something happened."""

ONE_DAY = timedelta(days=1)


def timesheet(
    timekeeper: Annotated[
        str | None, typer.Argument(metavar="[EMAIL]", help="The timekeeper; not needed if there is only one.")
    ] = None,
    firm: Annotated[str | None, typer.Option(help="The firm, if several have this address.")] = None,
    first_day: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day.")] = None,
    until: Annotated[datetime | None, typer.Option("--until", formats=["%Y-%m-%d"], help="The last day.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a self-contained page to read or print.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show a timekeeper's timesheet: day, client, matter, minutes, narrative.

    Example: ./timeloom timesheet ada@example.com --html timesheet.html

    Exit: 0 shown; 2 there is no such timekeeper; 3 the database is not up.
    """
    from connectors.mariadb.server.engine import connect
    from connectors.mariadb.source.directory import list_timekeepers
    from streams.settings import load

    engine = connect(load().mariadb().url("pipeline"))
    with engine.connect() as connection:
        person = find_timekeeper(list_timekeepers(connection), timekeeper, firm)
        days = shown_days(connection, person.scope, first_day, until)
        sheet = read_timesheet(connection, person, *days)
    if html is not None:
        html.write_text(timesheet_page(sheet), encoding="utf-8")
    if as_json:
        print(msgspec.json.encode(sheet).decode())
    elif html is not None:
        print(f"Wrote {html}")
    else:
        from streams.shared.terminal import table_console

        table_console().print(timesheet_table(sheet))


def find_timekeeper(people: Sequence["TimekeeperProfile"], email: str | None, firm: str | None) -> "TimekeeperProfile":
    """The timekeeper that was asked for. Raises ConfigurationError listing all timekeepers if that isn't clear."""
    found = [p for p in people if (email is None or p.email == email) and (firm is None or p.firm == firm)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(f"{p.email} ({p.firm})" for p in (found or people)[:12]) or "none: nothing was imported yet"
    wanted = f"{len(found)} timekeepers" if found else f"No timekeeper {email or ''}".rstrip()
    raise ConfigurationError(f"{wanted} here. Name one: ./timeloom timesheet EMAIL [--firm FIRM]. There are: {known}.")


def read_timesheet(
    connection: "Connection", person: "TimekeeperProfile", starts_on: date, ends_on: date
) -> "Timesheet":
    """Reads the timesheet of the billing days [starts_on, ends_on) from the database."""
    from connectors.mariadb.billing.timesheet_queries import read_day_minutes, read_timesheet_entries
    from connectors.mariadb.source.directory import read_directory
    from processors.billing.timesheet import SheetOwner
    from processors.billing.timesheet import timesheet as sheet_of

    directory = read_directory(connection, person.scope.firm)
    return sheet_of(
        SheetOwner(person.name, person.email, person.firm),
        (starts_on, ends_on),
        read_timesheet_entries(connection, person.scope, starts_on, ends_on),
        _read_unbilled(connection, person.scope, starts_on, ends_on),
        read_day_minutes(connection, person.scope, starts_on, ends_on),
        directory,
    )


def _read_unbilled(
    connection: "Connection", scope: "Scope", starts_on: date, ends_on: date
) -> list[tuple["Slice", str]]:
    """Held groups and outliers have no rows by day, so their activities are sliced here, as `bill` counted them."""
    from connectors.mariadb.billing.slicing_input import read_overlapping, read_zones
    from processors.billing.entries.affected_days import window
    from processors.billing.entries.matters import matter_book
    from processors.billing.entries.slicing import slice_days
    from processors.billing.timesheet import asides
    from schemas.billing import Directory

    days = [starts_on + n * ONE_DAY for n in range((ends_on - starts_on).days)]
    zones = read_zones(connection, scope) or {"UTC"}
    found = read_overlapping(connection, scope, window(days, zones))
    sliced = slice_days(found.activities.values(), found.memberships, matter_book(Directory()), days)
    return asides((part for day in sliced for part in day.slices), found.activities)


def shown_days(
    connection: "Connection", scope: "Scope", first_day: datetime | None, until: datetime | None
) -> tuple[date, date]:
    """The days to show, [first, end). If none are named, the week that ends with the last day that has activities."""
    from connectors.mariadb.billing.timesheet_queries import read_last_captured_day

    last = until.date() if until else (read_last_captured_day(connection, scope) or date(1970, 1, 1))
    first = first_day.date() if first_day else last - (DEFAULT_DAYS - 1) * ONE_DAY
    if first > last:
        raise ConfigurationError(f"--from {first} is after the last day, {last}.")
    return first, last + ONE_DAY


def timesheet_table(sheet: "Timesheet", with_matters: bool = True) -> "RenderableType":
    """The timesheet as a table. Without `with_matters` it has no column for matters, because nobody could have assigned
    one.

    Entries that round to 0 minutes are shown as one line: their time is in the other entries of the day.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    last = sheet.ends_on - ONE_DAY
    shown = Table(
        title=f"{sheet.owner.name}, {_format_days(sheet.starts_on, last)}",
        title_justify="left",
        caption=f"{format_hours(sheet.total)} in entries. * extractive: the activities' own words. ~ partly imputed.",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    shown.add_column("Day", no_wrap=True)
    if with_matters:
        shown.add_column("Client", max_width=18)
        shown.add_column("Matter", max_width=24)
    shown.add_column("Minutes", justify="right", no_wrap=True)
    shown.add_column("Narrative", ratio=1)
    for day in sheet.days:
        for n, line in enumerate([line for line in day.lines if line.minutes] or day.lines[:1]):
            shown.add_row(format_day(day.day) if n == 0 else "", *_entry_cells(line)[0 if with_matters else 2 :])
        of_day = ("", "", Text("the day", style="dim")) if with_matters else (Text("the day", style="dim"),)
        shown.add_row(*of_day, Text(str(day.total), style="bold"), _unbilled_text(day))
        shown.add_section()
    return shown


def _format_days(first: date, last: date) -> str:
    return format_day(first) if first == last else f"{format_day(first)} – {format_day(last)}"


def _entry_cells(line: "Line") -> list["RenderableType"]:
    from rich.text import Text

    matter = Text("unassigned", style="yellow") if line.matter is None else Text(line.matter)
    minutes = f"{'~' if line.imputed_minutes else ''}{line.minutes}"
    mark = " *" if line.extractive else ""
    return [Text(line.client), matter, minutes, Text(line.narrative + mark)]


def _unbilled_text(day: "SheetDay") -> "RenderableType":
    from rich.text import Text

    left = [f"{aside.disposition} {aside.minutes} min: {aside.what}" for aside in day.asides if aside.minutes]
    minutes = [line.minutes for line in day.lines[1:]] + [aside.minutes for aside in day.asides]
    if short := minutes.count(0):
        left.append(f"and {short} of less than a minute")
    return Text("\n".join(left), style="dim")


def timesheet_page(sheet: "Timesheet") -> str:
    """The timesheet as one HTML page that loads nothing from anywhere. All text in it is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(loader=PackageLoader("streams.views", "."), autoescape=True, undefined=StrictUndefined)
    environment.filters["day"] = format_day
    environment.filters["hours"] = format_hours
    sums = [(name, minutes) for name, minutes in _minute_totals(sheet) if minutes]
    return environment.get_template("timesheet.html").render(sheet=sheet, sums=sums, last_day=sheet.ends_on - ONE_DAY)


def _minute_totals(sheet: "Timesheet") -> list[tuple[str, int]]:
    half = 30_000_000
    names = ("captured", "billable", "non_billable", "held", "outlier", "excluded")
    return [
        (
            name.replace("_", "-").capitalize(),
            (sum(getattr(day.minutes, f"{name}_us") for day in sheet.days) + half) // (2 * half),
        )
        for name in names
    ]


def format_day(day: date) -> str:
    """A day as people write it: Mon 2 Nov 2026."""
    return f"{day:%a} {day.day} {day:%b %Y}"


def format_hours(minutes: int) -> str:
    """Minutes as hours and minutes: 95 is 1:35."""
    return f"{minutes // 60}:{minutes % 60:02d}"
