"""Who may sign which role of the registry: keys, holders and thresholds, read from root and top-level targets.

Every key is admitted as any other key is, and stands in one role only: a threshold counts holders and not names.
"""

from collections.abc import Mapping

from securesystemslib.signer import Key
from tuf.api.metadata import DelegatedRole, Root, Targets

from exchange.errors.trust import KeyReuseError, RegistryRuleError
from exchange.signing.authoring import HOLDER, Authority
from exchange.signing.keys import Algorithm, PublicKey

TOP_ROLES = ("root", "targets", "snapshot", "timestamp")


def flat_delegations(targets: Targets) -> Mapping[str, DelegatedRole]:
    """The delegations of the top-level targets, by role.

    Raises:
        RegistryRuleError: There are none.
    """
    if targets.delegations is None or targets.delegations.roles is None:
        raise RegistryRuleError(subject="targets", rule="delegations", expected="one per member", found="none")
    return targets.delegations.roles


def root_authorities(root: Root) -> dict[str, Authority]:
    """Keys and threshold of the four top-level roles; asked before any of these keys verifies anything.

    Raises:
        KeyReuseError: A key in two roles, or under two ids.
        RegistryRuleError: A key that is not Ed25519, two keys of one holder in a role, or more signatures asked for
            than a role has keys.
        WeakKeyError, KeyLengthError: A key that must not enter.
    """
    found = {name: _authority(name, root, role.keyids, role.threshold) for name, role in root.roles.items()}
    _refuse_reuse(found)
    return found


def authorities(root: Root, targets: Targets) -> dict[str, Authority]:
    """Every role's keys and threshold, the members' delegations among them; asked before a delegation's key verifies.

    Raises:
        KeyReuseError, RegistryRuleError, WeakKeyError, KeyLengthError: As `root_authorities` says.
    """
    found = root_authorities(root)
    for name, role in flat_delegations(targets).items():
        found[name] = _authority(name, targets, role.keyids, role.threshold)
    _refuse_reuse(found)
    return found


def key_places(roles: Mapping[str, Authority]) -> dict[str, str]:
    """Where each registry key stands, by its kid, in words for a refusal."""
    return {key.kid: _place(name, key) for name, role in roles.items() for key in role.keys}


def _authority(name: str, delegator: Root | Targets, keyids: list[str], threshold: int) -> Authority:
    if isinstance(delegator, Root):
        known = delegator.keys
    else:
        assert delegator.delegations is not None  # flat_delegations is asked first
        known = delegator.delegations.keys
    absent = [keyid for keyid in keyids if keyid not in known]
    if absent:
        raise RegistryRuleError(subject=f"role {name}", rule="keys", expected="each listed", found=str(absent[0])[:16])
    keys = tuple(_admit(known[keyid], name) for keyid in keyids)
    if threshold > len(keyids):
        # As text: it may be larger than any number that a refusal's JSON can carry.
        most = f"at most {len(keyids)}, its keys"
        raise RegistryRuleError(subject=f"role {name}", rule="threshold", expected=most, found=str(threshold)[:20])
    holders = [known[keyid].unrecognized_fields.get(HOLDER) for keyid in keyids]
    named = tuple(holder for holder in holders if isinstance(holder, str))
    if named and len(named) != len(keys):
        raise RegistryRuleError(subject=f"role {name}", rule="holders", expected="named for each key", found=len(named))
    if name in TOP_ROLES and len(set(named)) != len(named):
        raise RegistryRuleError(subject=f"role {name}", rule="keys of one holder", expected=1, found="more")
    return Authority(keys=keys, threshold=threshold, holders=named)


def _refuse_reuse(roles: Mapping[str, Authority]) -> None:
    seen: dict[str, str] = {}
    for name, role in roles.items():
        for key in role.keys:
            place = _place(name, key)
            if key.kid in seen:
                raise KeyReuseError(kid=key.kid, first=seen[key.kid], second=place)
            seen[key.kid] = place


def _place(role: str, key: PublicKey) -> str:
    return f"registry role {role}, key {key.kid[:8]}"


def _admit(key: Key, role: str) -> PublicKey:
    if (key.keytype, key.scheme) != ("ed25519", "ed25519"):
        raise RegistryRuleError(
            subject=f"role {role}", rule="key type", expected="ed25519", found=f"{key.keytype}/{key.scheme}"
        )
    try:
        raw = bytes.fromhex(str(key.keyval.get("public")))
    except ValueError as error:
        raise RegistryRuleError(subject=f"role {role}", rule="key", expected="hex", found="other") from error
    return PublicKey(Algorithm.ED25519, raw)
