"""Tables of statisticians without a contract: instances and publications, from bytes and to bytes."""

from exchange.disclosure.tabular.instance import parse_instance
from exchange.disclosure.tabular.model import Cells, Instance, Structure, Sum, TabularDimension
from exchange.disclosure.tabular.problem import AttackerModel, insiders_of, needs_of, problem_of

__all__ = [
    "AttackerModel",
    "Cells",
    "Instance",
    "Structure",
    "Sum",
    "TabularDimension",
    "insiders_of",
    "needs_of",
    "parse_instance",
    "problem_of",
]
