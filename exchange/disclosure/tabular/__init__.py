"""Tables of statisticians without a contract: instances and publications, from bytes and to bytes."""

from exchange.disclosure.tabular.coarsening import options_of
from exchange.disclosure.tabular.engine import ProtectedInstance, Verdict, judge, protect_instance, withhold
from exchange.disclosure.tabular.instance import parse_instance
from exchange.disclosure.tabular.model import Cells, Instance, Structure, Sum, TabularDimension
from exchange.disclosure.tabular.problem import AttackerModel, insiders_of, problem_of
from exchange.disclosure.tabular.publication import Publication, format_publication, parse_publication
from exchange.disclosure.tabular.report import protection_report, verdict_report
from exchange.disclosure.tabular.rounded import round_instance
from exchange.disclosure.tabular.rows import shown

__all__ = [
    "AttackerModel",
    "Cells",
    "Instance",
    "ProtectedInstance",
    "Publication",
    "Structure",
    "Sum",
    "TabularDimension",
    "Verdict",
    "format_publication",
    "insiders_of",
    "judge",
    "options_of",
    "parse_instance",
    "parse_publication",
    "problem_of",
    "protect_instance",
    "protection_report",
    "round_instance",
    "shown",
    "verdict_report",
    "withhold",
]
