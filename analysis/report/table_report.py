"""The report of any table of runs: laws, comparisons, tests of equivalence, ranking, source.

Example::

    question = TableQuestion(Columns("loss", x="width", seed="seed", group=("optimizer",)))
    write_table(read_table(Path("runs.csv")), question, Path("report"))
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from analysis.laws.group_laws import fit_groups
from analysis.report.build import write_parts
from analysis.report.part import Part
from analysis.report.parts.one_family import family_part
from analysis.report.run_claims import law_claims, tested
from analysis.report.run_laws import laws_part
from analysis.report.run_results import counts_part, headline, ranking_part, source_part
from analysis.report.run_tests import comparisons_part, equivalence_part, group_pairs
from analysis.report.settings import ReportSettings
from analysis.sources.columns import Columns, require_numbers, require_one_row_each
from analysis.sources.table import Table

__all__ = ["TableQuestion", "write_table"]


@dataclass(frozen=True)
class TableQuestion:
    """What a report on a table is about.

    columns: laws need an x, comparisons a seed and a group. within: range of x of the laws.
    margin: of the tests of equivalence of the groups; None is no such test. logs: whether it is
    of the log ratio, or of the difference.
    """

    columns: Columns
    within: tuple[float, float] | None = None
    margin: float | None = None
    logs: bool = True


def write_table(table: Table, asked: TableQuestion, out: Path) -> Path:
    """Write index.html, report.json and the CSV files into `out`; return the path of the page.

    Errors: AnalysisError, one sentence, for a table that cannot be used.
    """
    columns = asked.columns
    require_numbers(table, columns)
    require_one_row_each(table.frame, columns.setting, columns.seed)
    parts = [counts_part(table, columns), *_tested(table, asked)]
    parts += [ranking_part(table, columns), source_part(table)]
    parts.sort(key=lambda part: part.order)
    return write_parts(out, table.name, parts, headline(table, columns), ReportSettings())


def _tested(table: Table, asked: TableQuestion) -> list[Part]:
    columns = asked.columns
    said_once = replace(table, notes=())
    laws = fit_groups(said_once, columns, asked.within) if columns.x else []
    pairs, left = group_pairs(table, columns)
    margin = asked.margin if pairs else None
    found = tested(law_claims(table, columns, laws), pairs, margin, asked.logs)
    parts = [family_part(found), *laws_part(table, columns, found)]
    parts += comparisons_part(found, left) if pairs or left else []
    parts += [equivalence_part(found.examined)] if margin is not None else []
    return parts
