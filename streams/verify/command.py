"""`verify`: proves, while everything runs, that the entries follow from the activities; `--mend` puts it right.

    marks ─▶ changes ─▶ group ─▶ groups ─▶ bill ─▶ seen ─▶ one snapshot ─▶ audit (`streams.verify.audit`)

Every live activity is in exactly one group, or an outlier, or excluded, or a dead letter; every group's members are
live and of their present content; the tables are what the topic says; minutes are conserved.
"""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from streams.verify.audit import AuditResult
    from streams.verify.repair import RepairCounts

WITHIN_S = 60.0
SHOWN = 10
"""Findings of one kind that the text shows; --json has all."""


def verify(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False,
    mend: Annotated[bool, typer.Option("--mend", help="Have said again what was missed, then verify again.")] = False,
    within: Annotated[
        float, typer.Option(min=0.1, help="Seconds that the pipeline may take to see a mark.")
    ] = WITHIN_S,
) -> None:
    """Check that every activity is accounted for once, every group is true, and minutes add up. Locks nothing.

    Example: ./timeloom verify --json

    Exit: 0 all is right; 1 something is missing, extra, double or off; 3 the pipeline didn't see the marks in time, or
    a server is not up.
    """
    from connectors.kafka.client.connectivity import ASKED_BY_A_PERSON_S, knock
    from connectors.mariadb.server.engine import connect
    from streams.settings import load
    from streams.verify.audit import Auditor
    from streams.verify.repair import Repairer

    settings = load()
    database, kafka = settings.mariadb(), settings.kafka()
    knock(kafka, ASKED_BY_A_PERSON_S)
    pipeline = connect(database.url("pipeline"))
    auditor = Auditor(pipeline, kafka, within)
    verdict = auditor.verify()
    mended = None
    if mend and not verdict.clean:
        verdict, mended = Repairer(auditor, connect(database.url("collector")), pipeline, kafka).repair(verdict)
    _print(verdict, mended, as_json)
    if not verdict.clean:
        raise typer.Exit(1)


def _print(verdict: "AuditResult", mended: "RepairCounts | None", as_json: bool) -> None:
    import msgspec

    from streams.verify.report import build_report

    if as_json:
        print(msgspec.json.encode(build_report(verdict, mended)).decode())
    else:
        print("\n".join(_lines(verdict, mended)))


def _lines(verdict: "AuditResult", mended: "RepairCounts | None") -> list[str]:
    from streams.verify.report import build_report

    said = build_report(verdict, mended)
    minutes = said.minutes
    shown = [
        f"{said.activities} activities of {len(said.timekeepers)} timekeepers: {said.grouped} grouped, "
        f"{said.outliers} outliers, {said.excluded} excluded, {said.dead} dead letters, {said.in_flight} in flight",
        f"{said.missing} missing, {said.extra} extra, {said.double} double",
        f"{minutes.captured:.1f} minutes captured = {minutes.billable:.1f} billable + {minutes.non_billable:.1f} "
        f"non-billable + {minutes.held:.1f} held + {minutes.outlier:.1f} outlier + {minutes.excluded:.1f} excluded"
        + ("" if minutes.conserved else ": NOT CONSERVED"),
    ]
    for kind, found in said.findings.items():
        shown.append(f"{kind}: {len(found)}")
        shown += [f"    firm {one.firm}, timekeeper {one.timekeeper}: {one.detail}" for one in found[:SHOWN]]
        if len(found) > SHOWN:
            shown.append(f"    and {len(found) - SHOWN} more (all of them: ./timeloom verify --json)")
    if said.mended:
        shown.append(
            f"mended: {said.mended.rows} rows, {said.mended.deletes} deletes and {said.mended.moves} moves said again, "
            f"{said.mended.workers} workers begun again, {said.mended.retaken} timekeepers taken again"
        )
    if not said.ok and mended is None:
        shown.append("Mend it: ./timeloom verify --mend")
    elif not said.ok:
        shown.append("What is left did not mend; what is wrong is named above; `--json` has all of it")
    return [*shown, "all is right" if said.ok else "NOT RIGHT"]
