"""Which acts a contract's page offers an officer now: for the eye; the rules decide when one is done."""

from dataclasses import dataclass

from exchange.flow.agree import ContractState, Standing
from nodes.desk.pages.deciding import shown_passkey
from nodes.desk.server.context import DeskContext
from nodes.web.roles import Action, allows
from nodes.web.sessions import Officer

_RUNS = frozenset({ContractState.IN_FORCE, ContractState.NOT_YET_EFFECTIVE, ContractState.SUSPENDED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """Which acts a contract's page offers an officer now."""

    sign: bool
    suspend: bool
    resume: bool
    end: bool
    stepped_up: bool

    @property
    def any(self) -> bool:
        """Whether there is one."""
        return self.sign or self.suspend or self.resume or self.end


def offered(context: DeskContext, officer: Officer, standing: Standing, missing: tuple[str, ...]) -> Offered:
    """What this officer may do with a contract that stands so."""
    member = context.node.member
    signs = allows(Action.CONTRACT_SIGN, officer.roles)
    state = standing.state
    return Offered(
        sign=signs and member in missing and state is ContractState.PROPOSED,
        suspend=signs and state is ContractState.IN_FORCE,
        resume=signs and state is ContractState.SUSPENDED and member in standing.parties,
        end=signs and state in _RUNS,
        stepped_up=shown_passkey(context, officer),
    )
