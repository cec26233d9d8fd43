"""The bundle of `tests.world.bundles`, cleared by two officers' passkeys that their country's delegation listed.

kz-02 has an authenticator with P-256, kz-03 one with Ed25519; both keep their officer keys.
"""

import atexit
import shutil
import tempfile
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from exchange.clearance import Approval, Clearance, approval_by_passkey, approval_statement, format_clearance
from exchange.clearance.passkey import PasskeyProof, challenge_of
from exchange.flow.ceremony import revoke_keys, rotate_keys
from exchange.flow.ceremony_keys import merged
from exchange.flow.clear import Case, record_approval
from exchange.manifest import CLEARANCE, MANIFEST, Resource, format_manifest, parse_manifest
from exchange.publication import SIGNATURES
from exchange.publication.verify import BUNDLE_TYP
from exchange.signing.admission import Application, AppliedKey, apply_for_passkey, open_application, passkey_possession
from exchange.signing.jws import sign_detached
from exchange.signing.keys import KeyPurpose
from exchange.signing.trust import Trust
from nodes.adapters.trust_folder import write_trust_files
from tests.world.bundles import CLEARED, BundleWorld, bundle_world
from tests.world.ceremonies import Living
from tests.world.federation import Federation
from tests.world.passkeys import Authenticator

OFFICERS = {"kz-02": "ES256", "kz-03": "Ed25519"}


@dataclass(frozen=True)
class PasskeyWorld:
    """A bundle cleared by passkey, and what made it."""

    bundle: BundleWorld
    living: Living
    authenticators: dict[str, Authenticator]

    @property
    def trust(self) -> Trust:
        return self.bundle.trust

    def authenticator(self, officer: str) -> Authenticator:
        """A copy, as it was after the officer's approval: whatever a test does with it is undone."""
        return copy(self.authenticators[officer])

    def statement(self, officer: str, *, case: Case | None = None, at: datetime = CLEARED) -> bytes:
        return approval_statement((case or self.bundle.case).common, officer=officer, role="clearing", at=at)

    def approval(self, officer: str, proof: PasskeyProof | None = None, *, case: Case | None = None) -> Approval:
        """An approval by passkey, or with another proof in its place."""
        statement = self.statement(officer, case=case)
        return approval_by_passkey(statement, proof or self.authenticator(officer).prove(challenge_of(statement)))

    def published(self, *approvals: Approval, case: Case | None = None) -> dict[str, bytes]:
        """The six files with these approvals, as a desk that has the bundle key makes them and a gateway logs them."""
        clearance = Clearance(common=(case or self.bundle.case).common, approvals=approvals)
        files = {**self.bundle.files, CLEARANCE: format_clearance(clearance)}
        manifest = parse_manifest(files[MANIFEST])
        files[MANIFEST] = format_manifest(replace(manifest, clearance=Resource.of(CLEARANCE, files[CLEARANCE])))
        signers = self.bundle.federation.hybrid("KZ", KeyPurpose.BUNDLE).signers
        files[SIGNATURES] = sign_detached(files[MANIFEST], typ=BUNDLE_TYP, signers=signers)
        return self.bundle.publish(files)

    def after_revoking(self, officer: str, *, at: datetime) -> Trust:
        """The registry after the officer's passkey was revoked at this time."""
        living = replace_files(self.living, at)
        _, listed = self.trust.officer(officer, at=CLEARED, by=self.approval(officer).proof_kind)
        return living.decide(revoke_keys(living.base, "KZ", [listed.key.kid], at=at), living.pair("KZ"))


def replace_files(living: Living, at: datetime) -> Living:
    """The same registry at another time, to be changed apart."""
    other = Living(living.federation, at=at)
    other.files = dict(living.files)
    return other


def apply_for(living: Living, officers: Sequence[tuple[str, Authenticator]]) -> Application:
    """Their passkeys' applications as one, each with its proof of possession, read as a ceremony reads them."""
    applications = []
    for officer, authenticator in officers:
        applied = AppliedKey(
            purpose=KeyPurpose.OFFICER, key=authenticator.register(), officer=officer, roles=("clearing",)
        )
        proof = authenticator.prove(passkey_possession(applied, member="KZ", at=living.at))
        raw = apply_for_passkey(applied, proof, member="KZ", at=living.at)
        applications.append(open_application(raw, trust=living.trust))
    return merged(applications)


@cache
def passkey_world() -> PasskeyWorld:
    """The world, made once per process; nobody changes it."""
    plain = bundle_world()
    folder = Path(tempfile.mkdtemp(prefix="passkey-world-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    shutil.copytree(plain.federation.folder, folder, dirs_exist_ok=True)
    living = Living(plain.federation)
    authenticators = {officer: Authenticator(officer, algorithm) for officer, algorithm in OFFICERS.items()}
    application = apply_for(living, list(authenticators.items()))
    trust = living.decide(rotate_keys(living.base, application, overlap=timedelta(0), at=living.at), living.pair("KZ"))
    write_trust_files(folder / "keys", living.files)
    bundle = replace(plain, federation=Federation(folder=folder, trust=trust))
    case = replace(plain.case, state=plain.case.state.SUBMITTED, approvals=())
    world = PasskeyWorld(replace(bundle, case=case), living, authenticators)
    for officer, authenticator in authenticators.items():
        statement = world.statement(officer)
        approval = approval_by_passkey(statement, authenticator.prove(challenge_of(statement)))
        case = record_approval(case, approval, trust=trust, contract=plain.contract, at=CLEARED)
    cleared = replace(bundle, case=case)
    return PasskeyWorld(replace(cleared, files=cleared.publish(cleared.seal())), living, authenticators)
