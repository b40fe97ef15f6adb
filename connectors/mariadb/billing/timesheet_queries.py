"""Reads what a timesheet shows: a timekeeper's entries and minutes between two days."""

from datetime import date

from sqlalchemy import Connection, func, select

from connectors.mariadb.tables.ledger_tables import DayMinutes as DayRow
from connectors.mariadb.tables.ledger_tables import Entry
from schemas.billing import DayMinutes, TimesheetEntry
from schemas.keys import Scope


def read_last_captured_day(connection: Connection, scope: Scope) -> date | None:
    """Returns the last billing day with captured time; None where there is none."""
    of = DayRow
    query = select(func.max(of.billing_day)).where(of.firm_id == scope.firm, of.timekeeper_id == scope.timekeeper)
    return connection.scalar(query)


def read_timesheet_entries(
    connection: Connection, scope: Scope, starts_on: date, ends_on: date
) -> list[TimesheetEntry]:
    """Reads the entries of the billing days [starts_on, ends_on)."""
    of = Entry
    query = select(
        of.billing_day,
        of.group_id,
        of.matter_id,
        of.billable,
        of.allocated_us,
        of.imputed_us,
        of.narrative,
        of.narrative_id.is_(None),
        of.status,
    ).where(
        of.firm_id == scope.firm,
        of.timekeeper_id == scope.timekeeper,
        of.billing_day >= starts_on,
        of.billing_day < ends_on,
    )
    return [
        TimesheetEntry(day, group, matter, billable, us, imputed_us, narrative, bool(extractive), status)
        for day, group, matter, billable, us, imputed_us, narrative, extractive, status in connection.execute(query)
    ]


def read_day_minutes(connection: Connection, scope: Scope, starts_on: date, ends_on: date) -> list[DayMinutes]:
    """Reads the time by class of the billing days [starts_on, ends_on), in microseconds."""
    of = DayRow
    query = select(of.billing_day, of.billable_us, of.non_billable_us, of.held_us, of.outlier_us, of.excluded_us).where(
        of.firm_id == scope.firm,
        of.timekeeper_id == scope.timekeeper,
        of.billing_day >= starts_on,
        of.billing_day < ends_on,
    )
    return [DayMinutes(*row) for row in connection.execute(query)]
