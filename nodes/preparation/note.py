"""What the desk is told of a build or of advice: by line, column and rule, never what a row says."""

from collections.abc import Sequence
from datetime import datetime

from exchange.contract.model import DataContract
from exchange.contract.reference import ContractRef
from exchange.disclosure.adviser import Advice, Cost
from exchange.flow.preparation_note import OPTIONS_MAX, REFUSED_MAX, PreparationNote, Price, RefusedField, shortened
from nodes.preparation.rows import BadCell


def refusal_note(cells: Sequence[BadCell], contract: DataContract, *, period: str, at: datetime) -> PreparationNote:
    """The fields that stopped a build; none of them: the build found nothing to refuse."""
    refused = tuple(
        RefusedField(line=cell.line, column=shortened(cell.column), allowed=shortened(cell.allowed))
        for cell in cells[:REFUSED_MAX]
    )
    return PreparationNote(
        contract=ContractRef.of(contract), period=period, at=at, refused_fields=len(cells), refused=refused
    )


def advice_note(advice: Advice, contract: DataContract, *, period: str, at: datetime) -> PreparationNote:
    """What each breakdown would cost."""
    prices = tuple(_price(cost, contract) for cost in (advice.now, *advice.options)[:OPTIONS_MAX])
    return PreparationNote(contract=ContractRef.of(contract), period=period, at=at, prices=prices)


def _price(cost: Cost, contract: DataContract) -> Price:
    return Price(
        coarsening=cost.coarsening.value,
        subject=cost.subject or contract.id,
        cells=cost.cells,
        withheld=cost.withheld,
        protectable=cost.protectable,
    )
