"""What a caller may do with a publication, decided from contract and registry at this very moment (DESIGN.md §8).

The order of answers is fixed: 404 for whoever is no party, for what is unknown and for what is before its time, all the
same; then 403 with its code; then 410. The debt (409) is asked for last, with the pull itself.
"""

from dataclasses import dataclass
from datetime import datetime

from exchange.contract.model import DataContract, Role
from exchange.encoding import Digest
from exchange.errors.exchange_ import (
    AuditorNoDataError,
    BundleWithdrawnError,
    NotFoundError,
    PullEndedError,
    PullNotInForceError,
    PullSuspendedError,
)
from exchange.flow.agree import ContractState
from exchange.flow.publish import PublicationState
from exchange.manifest import DATA
from exchange.publication.withdrawal import WITHDRAWAL
from nodes.adapters.publication_store import KeptPublication
from nodes.gateway.access import Caller
from nodes.gateway.contract_book import ContractBook
from nodes.gateway.library import Library

PULLABLE = {ContractState.IN_FORCE, ContractState.SUPERSEDED}
ZIP = "zip"
DATA_FILES = frozenset({ZIP, DATA})
"""Only an answer with one of these is a pull."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A publication that this caller may see, and whether only as a repetition of an earlier pull."""

    kept: KeptPublication
    contract: DataContract
    repeat_only: bool = False

    def refuse_first(self) -> PullSuspendedError:
        """The refusal of a first pull under a suspended contract."""
        return PullSuspendedError(contract=self.contract.id)


@dataclass(frozen=True, slots=True)
class Rights:
    """The member's publications and contracts, asked on behalf of callers."""

    member: str
    library: Library
    contracts: ContractBook

    def visible(self, caller: Caller, bundle: Digest, *, at: datetime) -> Grant:
        """The publication, if this caller is a party to it and its time has come.

        Raises:
            NotFoundError: In every other case, the same for all.
        """
        kept = self.library.get(bundle)
        if kept is None or kept.state is PublicationState.LOGGED or kept.not_before > at:
            raise NotFoundError
        held = self.contracts.get(kept.contract)
        if held is None or not (caller.member in kept.recipients or self._audits(caller, held.contract)):
            raise NotFoundError
        return Grant(kept, held.contract)

    def may_read(self, caller: Caller, grant: Grant, *, file: str, at: datetime) -> Grant:
        """Whether the caller may have this file of a visible publication now.

        Raises:
            AuditorNoDataError, PullEndedError, PullNotInForceError: 403.
            BundleWithdrawnError: 410.
        """
        kept = grant.kept
        if caller.member not in kept.recipients:
            if file in DATA_FILES:
                raise AuditorNoDataError(bundle=str(kept.bundle))
            return grant  # evidence and audit go on for ever: after an end, and after a withdrawal
        state = self._state(grant, at)
        if state is ContractState.ENDED:
            raise PullEndedError(contract=grant.contract.id)
        if state not in PULLABLE | {ContractState.SUSPENDED}:
            raise PullNotInForceError(contract=grant.contract.id, state=state.value)
        if kept.state is PublicationState.WITHDRAWN:
            raise BundleWithdrawnError(bundle=str(kept.bundle), link=f"/v1/bundles/{kept.bundle.hex}/{WITHDRAWAL}")
        return Grant(kept, grant.contract, repeat_only=state is ContractState.SUSPENDED)

    def catalogue(self, caller: Caller, *, at: datetime) -> tuple[Grant, ...]:
        """Every publication that this caller may read, in the order of its entry."""
        grants = []
        for kept in self.library.all():
            try:
                grant = self.visible(caller, kept.bundle, at=at)
            except NotFoundError:
                continue
            if caller.member not in kept.recipients or self._state(grant, at) is not ContractState.ENDED:
                grants.append(grant)
        return tuple(grants)

    def shown_state(self, kept: KeptPublication, *, at: datetime) -> PublicationState:
        """The state as partners see it: what replaces a bundle before its own time has not replaced it yet."""
        if kept.state is not PublicationState.SUPERSEDED:
            return kept.state
        replacing = (one for one in self.library.all() if one.supersedes == kept.bundle)
        return kept.state if any(one.not_before <= at for one in replacing) else PublicationState.PUBLISHED

    def _state(self, grant: Grant, at: datetime) -> ContractState:
        held = self.contracts.require(grant.contract.digest)
        return self.contracts.state(held, provider=self.member, at=at)

    @staticmethod
    def _audits(caller: Caller, contract: DataContract) -> bool:
        return caller.auditor or caller.member in contract.members(Role.AUDITOR)
