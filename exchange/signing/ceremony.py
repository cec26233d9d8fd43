"""A change of the registry on its way: who may sign it, who did, and whether that is enough.

Thresholds are python-tuf's to decide: by the keys in force, and for a root by those of the old one and of the new one.
Which changes there are is `exchange.flow.ceremony`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tuf.api.metadata import Metadata, Root, Targets

from exchange.encoding import Digest, format_instant
from exchange.errors.encoding import FieldError
from exchange.errors.trust import ChangeExpiredError, ChangeSignerError, ChangeStaleError, RegistrySignatureError
from exchange.signing.authoring import Authority, registry_key, signing_input, target_file, with_signatures
from exchange.signing.authority import authorities
from exchange.signing.ceremony_form import ChangeSignature, Proposal, parse_proposal
from exchange.signing.keys import PublicKey, Signer
from exchange.signing.registry import SignedRegistry

CHANGE_LIFE = timedelta(days=7)
"""A proposal not applied by then is proposed anew: what it says of the present is stale."""

_SUBJECT = "registry change"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleStanding:
    """How far the signing of one role's new metadata is; who signed and who may, by holder or key id."""

    role: str
    needed: int
    signed: tuple[str, ...]
    missing: tuple[str, ...]
    enough: bool
    found: int


def sign_change(raw: bytes, signer: Signer, *, base: SignedRegistry | None) -> tuple[ChangeSignature, ...]:
    """A signature over every role of a proposal that this key may sign.

    Raises:
        ChangeSignerError: It stands in none of them.
        ChangeStaleError: The proposal is for another state than `base`.
    """
    proposal = parse_proposal(raw)
    require_base(proposal, base)
    own = [
        role
        for role, authority in signing_authorities(proposal, base).items()
        if any(signer.public in holders.keys for holders in authority)
    ]
    if not own:
        raise ChangeSignerError(key=signer.public.kid, kind=proposal.kind, roles=", ".join(proposal.metadata))
    return tuple(
        ChangeSignature(
            change=Digest.of(raw),
            role=role,
            key=signer.public,
            signature=signer.sign(signing_input(proposal.metadata[role])),
        )
        for role in own
    )


def check_signature(raw: bytes, signature: ChangeSignature, *, base: SignedRegistry | None) -> None:
    """Refuse a signature that adds nothing to this proposal.

    Raises:
        ChangeStaleError: It is over another proposal.
        ChangeSignerError: The key may not sign this role.
        SignatureError: It does not verify.
    """
    proposal = parse_proposal(raw)
    if signature.change != Digest.of(raw):
        raise ChangeStaleError(kind=proposal.kind, expected=str(Digest.of(raw)), found=str(signature.change))
    known = signing_authorities(proposal, base).get(signature.role, ())
    if not any(signature.key in authority.keys for authority in known):
        raise ChangeSignerError(key=signature.key.kid, kind=proposal.kind, roles=signature.role)
    signature.key.verify(signing_input(proposal.metadata[signature.role]), signature.signature)


def signing_authorities(proposal: Proposal, base: SignedRegistry | None) -> dict[str, tuple[Authority, ...]]:
    """Whose keys each role of a proposal needs: a root those of the old one and of the new one."""
    new_root, new_targets = proposal.new_root(), proposal.new_targets()
    root = new_root or (None if base is None else base.root)
    targets = new_targets or (None if base is None else base.top)
    if root is None or targets is None:
        raise FieldError(subject=_SUBJECT, field="metadata", expected="root and targets at a founding", found="less")
    after = authorities(root, targets)
    unknown = next((role for role in proposal.metadata if role not in after), None)
    if unknown is not None:
        raise FieldError(subject=_SUBJECT, field="role", expected="a role of the registry", found=unknown[:32])
    found: dict[str, tuple[Authority, ...]] = {role: (after[role],) for role in proposal.metadata}
    if base is not None and "root" in found:
        found["root"] = (base.authorities["root"], after["root"])
    return found


def standing(
    raw: bytes, signatures: Iterable[ChangeSignature], *, base: SignedRegistry | None
) -> tuple[RoleStanding, ...]:
    """How far each role of a proposal is, as python-tuf counts."""
    proposal, given = parse_proposal(raw), tuple(signatures)
    return tuple(
        _standing(proposal, role, wanted, given, base) for role, wanted in signing_authorities(proposal, base).items()
    )


def apply_change(
    raw: bytes, signatures: Iterable[ChangeSignature], *, base: SignedRegistry | None, at: datetime
) -> dict[str, bytes]:
    """The files that a change adds to the registry, by path.

    Raises:
        ChangeStaleError, ChangeExpiredError: The registry moved on, or a week went by.
        RegistrySignatureError: A role with too few signatures: how many are needed and how many are there.
    """
    proposal, given = parse_proposal(raw), tuple(signatures)
    require_base(proposal, base)
    if not proposal.at <= at <= proposal.at + CHANGE_LIFE:
        raise ChangeExpiredError(
            kind=proposal.kind, proposed=format_instant(proposal.at), days=CHANGE_LIFE.days, at=format_instant(at)
        )
    files: dict[str, bytes] = {}
    for one in standing(raw, given, base=base):
        file = f"metadata/{proposal.version(one.role)}.{one.role}.json"
        if not one.enough:
            raise RegistrySignatureError(file=file, role=one.role, needed=one.needed, found=one.found)
        files[file] = with_signatures(proposal.metadata[one.role], _of(given, one.role))
    for path, content in proposal.targets.items():
        files[target_file(path, content)] = content
    return files


def require_base(proposal: Proposal, base: SignedRegistry | None) -> None:
    """Refuse a proposal for another registry state than this.

    Raises:
        ChangeStaleError: Expected and found snapshots.
    """
    found = None if base is None else base.snapshot_sha256
    if proposal.base != found:
        raise ChangeStaleError(kind=proposal.kind, expected=str(proposal.base), found=str(found))


def _standing(
    proposal: Proposal,
    role: str,
    wanted: Sequence[Authority],
    given: Sequence[ChangeSignature],
    base: SignedRegistry | None,
) -> RoleStanding:
    results = _verdicts(proposal, role, _of(given, role), base)
    signed = {key for result in results for key in result}
    names = {registry_key(key).keyid: holder or key.kid for one in wanted for key, holder in one.held()}
    # What lacks most is said: of an old and a new root, the one with fewer signatures over what it needs.
    short = min(range(len(wanted)), key=lambda place: len(results[place]) - wanted[place].threshold)
    return RoleStanding(
        role=role,
        needed=wanted[short].threshold,
        found=len(results[short]),
        signed=tuple(name for keyid, name in names.items() if keyid in signed),
        missing=tuple(name for keyid, name in names.items() if keyid not in signed),
        enough=all(len(result) >= one.threshold for result, one in zip(results, wanted, strict=True)),
    )


def _verdicts(
    proposal: Proposal, role: str, given: Sequence[tuple[PublicKey, bytes]], base: SignedRegistry | None
) -> list[set[str]]:
    """The ids of the keys whose signatures python-tuf accepts, by each delegator that is asked."""
    metadata: Metadata[Root] = Metadata.from_bytes(with_signatures(proposal.metadata[role], given))
    content, signatures = metadata.signed_bytes, metadata.signatures
    new_root, new_targets = proposal.new_root(), proposal.new_targets()
    delegators: list[Root | Targets | None]
    if role == "root":
        delegators = [new_root] if base is None else [base.root, new_root]
    elif role == "targets":
        delegators = [new_root or (None if base is None else base.root)]
    else:
        delegators = [new_targets or (None if base is None else base.top)]
    return [
        set(delegator.get_verification_result(role, content, signatures).signed)
        for delegator in delegators
        if delegator is not None
    ]


def _of(given: Sequence[ChangeSignature], role: str) -> list[tuple[PublicKey, bytes]]:
    """One signature a key, however often it signed."""
    by_key = {one.key.kid: (one.key, one.signature) for one in given if one.role == role}
    return [by_key[kid] for kid in sorted(by_key)]
