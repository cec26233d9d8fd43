"""Who may do what at a desk and at the auditor's console: one table, asked on every route.

Exclusions (issue E): the preparer of a bundle never clears it (`exchange.clearance.rules`); an administrator never
clears, so who can let people in cannot let figures out; an auditor reads, and reads no figure.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from exchange.errors.officers import RightMissingError, RolesExcludedError


class Role(StrEnum):
    """What an account is for; several may be together where `require_compatible` lets them."""

    DATA = "data"
    CLEARING = "clearing"
    CONTRACT = "contract"
    OPERATOR = "operator"
    AUDITOR = "auditor"


class Action(StrEnum):
    """Everything that can be asked of a desk or a console."""

    OWN_SESSION = "session.own"
    OWN_PASSKEYS = "passkeys.own"
    TASKS = "tasks.read"
    CANDIDATES_LIST = "candidates.list"
    CANDIDATE_READ = "candidate.read"
    CANDIDATE_SUBMIT = "candidate.submit"
    CANDIDATE_APPROVE = "candidate.approve"
    CANDIDATE_RETURN = "candidate.return"
    CANDIDATE_RELEASE = "candidate.release"
    WITHDRAWALS_READ = "withdrawals.read"
    WITHDRAWAL_APPROVE = "withdrawal.approve"
    WITHDRAWAL_RELEASE = "withdrawal.release"
    CONTRACTS_READ = "contracts.read"
    CONTRACT_SIGN = "contract.sign"
    LEDGER_READ = "ledger.read"
    CATALOGUE_READ = "catalogue.read"
    PULL = "bundle.pull"
    PULLED_READ = "pulled.read"
    ACCOUNTS_READ = "accounts.read"
    ACCOUNTS_CHANGE = "accounts.change"
    JOURNAL_READ = "journal.read"
    NODE_READ = "node.read"
    AUDIT_READ = "audit.read"


@dataclass(frozen=True, slots=True)
class Right:
    """Who may, and whether the officer's passkey must have been shown just before.

    Attributes:
        roles: Any of them is enough.
        step_up: It makes a key of the member sign, or lets somebody in. An approval needs none: it is itself a proof
            by passkey, over exactly what is approved.
    """

    roles: frozenset[Role]
    step_up: bool = False


_EVERYBODY = frozenset(Role)
_FIGURES = frozenset({Role.DATA, Role.CLEARING})
"""Who sees figures: neither the operator, who runs the machine, nor an auditor."""

RIGHTS: Mapping[Action, Right] = {
    Action.OWN_SESSION: Right(_EVERYBODY),
    Action.OWN_PASSKEYS: Right(_EVERYBODY, step_up=True),
    Action.TASKS: Right(_EVERYBODY),
    Action.CANDIDATES_LIST: Right(frozenset({Role.DATA, Role.CLEARING, Role.CONTRACT, Role.AUDITOR})),
    Action.CANDIDATE_READ: Right(_FIGURES),
    Action.CANDIDATE_SUBMIT: Right(frozenset({Role.DATA})),
    Action.CANDIDATE_APPROVE: Right(frozenset({Role.CLEARING})),
    Action.CANDIDATE_RETURN: Right(frozenset({Role.CLEARING})),
    Action.CANDIDATE_RELEASE: Right(_FIGURES, step_up=True),
    Action.WITHDRAWALS_READ: Right(frozenset({Role.DATA, Role.CLEARING, Role.CONTRACT, Role.AUDITOR})),
    Action.WITHDRAWAL_APPROVE: Right(frozenset({Role.CLEARING})),
    Action.WITHDRAWAL_RELEASE: Right(frozenset({Role.CLEARING}), step_up=True),
    Action.CONTRACTS_READ: Right(_EVERYBODY),
    Action.CONTRACT_SIGN: Right(frozenset({Role.CONTRACT}), step_up=True),
    Action.LEDGER_READ: Right(frozenset({Role.DATA, Role.CLEARING, Role.AUDITOR})),
    Action.CATALOGUE_READ: Right(frozenset({Role.DATA, Role.CLEARING, Role.CONTRACT})),
    Action.PULL: Right(frozenset({Role.DATA}), step_up=True),
    Action.PULLED_READ: Right(_FIGURES),
    Action.ACCOUNTS_READ: Right(frozenset({Role.OPERATOR, Role.AUDITOR})),
    Action.ACCOUNTS_CHANGE: Right(frozenset({Role.OPERATOR}), step_up=True),
    Action.JOURNAL_READ: Right(frozenset({Role.OPERATOR, Role.AUDITOR})),
    Action.NODE_READ: Right(frozenset({Role.OPERATOR, Role.AUDITOR})),
    Action.AUDIT_READ: Right(frozenset({Role.AUDITOR})),
}


def allows(action: Action, roles: Collection[Role]) -> bool:
    """Whether somebody with these roles may do this."""
    return not RIGHTS[action].roles.isdisjoint(roles)


def require_right(action: Action, roles: Collection[Role]) -> Right:
    """The right by which somebody with these roles may do this.

    Raises:
        RightMissingError: None of the roles allows it.
    """
    right = RIGHTS[action]
    if not allows(action, roles):
        allowed, found = (", ".join(sorted(names)) or "-" for names in (right.roles, roles))
        raise RightMissingError(action=action.value, allowed=allowed, found=found)
    return right


def require_compatible(roles: Collection[Role]) -> None:
    """Refuse roles that one person must not have together.

    Raises:
        RolesExcludedError: With the rule.
    """
    found = frozenset(roles)
    rules = (
        (not found, "expected at least one"),
        ({Role.OPERATOR, Role.CLEARING} <= found, "an operator never clears"),
        (Role.AUDITOR in found and len(found) > 1, "an auditor reads only"),
    )
    for broken, rule in rules:
        if broken:
            raise RolesExcludedError(found=", ".join(sorted(found)) or "-", rule=rule)
