"""Signed evidence of one pull, opened: the request, the delivery, the receipt; each proven, unproven or not shown.

Keys are those registered for the time of the entry that names the evidence, so a key revoked later proves on.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Generic, NamedTuple, Protocol, TypeVar

from exchange.encoding import Digest, base64url_decode, text_member
from exchange.errors import ExchangeError
from exchange.errors.exchange_ import ProofRefusedError
from exchange.receipt import (
    DELIVERY_TYP,
    RECEIPT_TYP,
    Delivery,
    Receipt,
    open_delivery,
    open_receipt,
    parse_delivery,
    parse_receipt,
)
from exchange.reconcile.model import SKEW_MAX, Evidence, LoggedEntry
from exchange.reconcile.registry import is_silent_on
from exchange.signing.dpop import PROOF_TYP, open_strict
from exchange.signing.jws import parse_header
from exchange.signing.keys import KeyPurpose, PublicKey, parse_public_jwk
from exchange.signing.trust import Trust

Said = TypeVar("Said")
Said_co = TypeVar("Said_co", covariant=True)


class Standing(StrEnum):
    """Whether evidence can be used against its signer."""

    PROVEN = "proven"
    UNPROVEN = "unproven"  # shown, but not signed by whom it should be
    WITHHELD = "withheld"  # named in the log and not shown when asked
    ABSENT = "absent"  # never named, not asked for, or for another registry than the reader's to tell


@dataclass(frozen=True, slots=True)
class Opened(Generic[Said]):
    """A piece of evidence; `says` is there if and only if it is proven."""

    standing: Standing
    digest: Digest | None = None
    says: Said | None = None


class _Open(Protocol[Said_co]):
    def __call__(self, token: str, *, keys: Sequence[PublicKey]) -> Said_co: ...


class _Kind(NamedTuple, Generic[Said]):
    """A kind of compact JWS: how it is opened, and how its payload is read once its signature is known to be good."""

    typ: str
    open: _Open[Said]
    parse: Callable[[bytes], Said]


_DELIVERY = _Kind(DELIVERY_TYP, open_delivery, parse_delivery)
_RECEIPT = _Kind(RECEIPT_TYP, open_receipt, parse_receipt)


class Signatures:
    """Opens evidence with the keys that the registry lists for its signer."""

    def __init__(self, evidence: Evidence, trust: Trust) -> None:
        self._evidence = evidence
        self._trust = trust

    def request(self, served: LoggedEntry) -> Opened[str]:
        """The DPoP proof whose digest is the pull id: proven if the puller's transport key made it for this bundle."""
        puller = served.entry.counterpart or ""
        bundle = served.entry.bundle.hex if served.entry.bundle is not None else ""
        return self._open(served, served.entry.pull, puller, partial(_open_request, bundle=bundle))

    def delivery(self, taken: LoggedEntry) -> Opened[Delivery]:
        """The delivery that the puller's entry names: proven if the publisher's transport key signed it."""
        publisher = taken.entry.counterpart or ""
        return self._open(taken, taken.entry.evidence, publisher, partial(self._once, _DELIVERY))

    def is_delivery_fixed(self, taken: LoggedEntry) -> bool:
        """Whether the delivery's key still counted when a quorum had cosigned the puller's entry that names it.

        Then it was signed in the key's time, whatever became of the key (DESIGN.md §10).
        """
        raw = self._evidence.signed.get(taken.entry.evidence) if taken.entry.evidence is not None else None
        if raw is None or taken.cosigned_at is None:
            return False
        try:
            keys = self._trust.keys(taken.entry.counterpart or "", KeyPurpose.TRANSPORT, at=taken.cosigned_at)
            self._once(_DELIVERY, raw.decode("ascii"), keys=keys)
        except (ExchangeError, UnicodeDecodeError):
            return False
        return True

    def receipt(self, logged: LoggedEntry, *, puller: str) -> Opened[Receipt]:
        """The receipt that a `receipt.given` or `receipt.got` names: proven if the puller's transport key signed it."""
        return self._open(logged, logged.entry.evidence, puller, partial(self._once, _RECEIPT))

    def _open(
        self,
        logged: LoggedEntry,
        digest: Digest | None,
        signer: str,
        read: _Open[Said],
    ) -> Opened[Said]:
        if digest is None:
            return Opened(Standing.ABSENT)
        raw = self._evidence.signed.get(digest)
        if raw is None:
            shown = (logged.member, digest) not in self._evidence.withheld
            return Opened(Standing.ABSENT if shown else Standing.WITHHELD, digest)
        try:
            keys = self._keys(signer, at=logged.entry.at)
            return Opened(Standing.PROVEN, digest, read(raw.decode("ascii"), keys=keys))
        except (ExchangeError, UnicodeDecodeError):
            # Whoever took it may have had its key from a registry that the reader does not hold.
            silent = is_silent_on(logged.entry.registry, self._trust)
            return Opened(Standing.ABSENT if silent else Standing.UNPROVEN, digest)

    def _once(self, kind: _Kind[Said], token: str, *, keys: Sequence[PublicKey]) -> Said:
        """What these bytes say, if one of these keys signed them; no signature is verified twice.

        Whether the key counted is asked each time: a registry can change its answer, the signature cannot.
        """
        digest = Digest.of(token.encode("ascii"))
        if self._evidence.proven.get(digest) in {(kind.typ, key.kid) for key in keys}:
            return kind.parse(base64url_decode(token.split(".")[1], subject=kind.typ))
        says = kind.open(token, keys=keys)
        header = parse_header(token.split(".", maxsplit=1)[0], subject=kind.typ)
        self._evidence.proven[digest] = (kind.typ, header.kid)
        return says

    def _keys(self, member: str, *, at: datetime) -> tuple[PublicKey, ...]:
        """Those that counted at this time by any clock that may be: a new key is used a moment before others' noon."""
        times = (at - SKEW_MAX, at, at + SKEW_MAX)
        found = (key for time in times for key in self._trust.keys(member, KeyPurpose.TRANSPORT, at=time))
        return tuple(dict.fromkeys(found))


def _open_request(proof: str, *, keys: Sequence[PublicKey], bundle: str) -> str:
    """The address that a DPoP proof was made for: a GET of this bundle, signed by one of these keys.

    Age and nonce were the server's to judge when it answered; here the proof is evidence for ever.

    Raises:
        ExchangeError: It is not that.
    """
    header, claims, signing_input, signature = open_strict(proof, typ=PROOF_TYP, members={"alg", "jwk", "typ"})
    jwk = header["jwk"]
    key = parse_public_jwk(jwk if isinstance(jwk, dict) else {})
    if key not in keys:
        raise ProofRefusedError(reason="jwk is not a registered key of the puller")
    key.verify(signing_input, signature)
    address = text_member(claims, "htu", subject="claims")
    served = (f"/v1/bundles/{bundle}", f"/v1/bundles/{bundle}/data.csv")
    if claims.get("htm") != "GET" or not address.endswith(served):
        raise ProofRefusedError(reason="htm and htu are not a pull of this bundle")
    return address
