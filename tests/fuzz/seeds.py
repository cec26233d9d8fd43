"""Documents to begin with: one small bundle and its federation, a log, words of pulls, keys; made by our writers."""

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path

from exchange.encoding import Digest, base64url_encode, canonical_json
from exchange.flow.preparation_note import format_preparation_note
from exchange.log.note import format_note, format_vkey
from exchange.log.proof import format_proof
from exchange.log.tiles import ENTRIES, Tile, format_entry_bundle, format_tile_path
from exchange.log.witness import AddCheckpoint, format_add_checkpoint
from exchange.publication.withdrawal import format_withdrawal
from exchange.receipt import format_delivery, format_receipt
from exchange.reconcile.dossier import format_dossier
from exchange.signing.ceremony_form import ChangeSignature, Proposal, format_proposal, format_signature
from exchange.signing.dpop import make_assertion, make_proof, make_token
from exchange.signing.keys import SoftwareSigner
from nodes.adapters.trust_folder import read_trust_files
from tests.unit.core import (
    log_samples,
    test_admission,
    test_dossier,
    test_preparation_note,
    test_receipt,
    test_withdrawal,
)
from tests.world.bundles import COSIGNED, BundleWorld, bundle_world
from tests.world.clock import FOUNDED
from tests.world.federation import signer
from tests.world.passkeys import Authenticator

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"
ISSUER = "https://kz.exchange.example"
URL = f"{ISSUER}/oauth/token"
NONCE = base64url_encode(bytes(16))
JTI = base64url_encode(bytes(range(16)))
CALLER: SoftwareSigner = signer("fuzz transport")


@dataclass(frozen=True)
class Words:
    """Three tokens of a call."""

    assertion: bytes
    proof: bytes
    token: bytes


@cache
def world() -> BundleWorld:
    """The bundle and its federation."""
    return bundle_world()


@cache
def registry() -> dict[str, bytes]:
    """The files of the federation's registry."""
    return read_trust_files(world().federation.registry)


def words() -> Words:
    """A client assertion, a proof and a token that hold at `COSIGNED`."""
    common = {"at": COSIGNED, "jti": JTI, "signer": CALLER}
    return Words(
        assertion=make_assertion(member="KG", audience=ISSUER, **common).encode(),  # type: ignore[arg-type]  # one dict for all three
        proof=make_proof(method="POST", url=URL, nonce=NONCE, **common).encode(),  # type: ignore[arg-type]  # the same
        token=make_token(
            issuer=ISSUER,
            member="KG",
            thumbprint=CALLER.public.kid,
            life_s=300,
            registry=1,
            **common,  # type: ignore[arg-type]  # the same
        ).encode(),
    )


def codelists() -> dict[Digest, bytes]:
    """Every code list of the repository, by its digest."""
    return {Digest.of(raw): raw for raw in (path.read_bytes() for path in sorted(CONTRACTS.glob("codelists/*.csv")))}


def log() -> log_samples.SampleLog:
    """A log of 300 entries: a full tile and a partial one."""
    return log_samples.SampleLog(300)


def note() -> bytes:
    """A checkpoint with its log's signature and three cosignatures."""
    plain = log().note()
    return format_note(log_samples.cosigned(plain, log_samples.one_minute_apart(log_samples.WITNESSES[:3])))


def add_checkpoint() -> bytes:
    """What a log asks a witness."""
    return format_add_checkpoint(AddCheckpoint(old_size=0, proof=(), note=note()))


def proof() -> bytes:
    """An inclusion proof of the sample log."""
    return format_proof(log().proof(7, log().note()))


def dossier() -> bytes:
    """An evidence file."""
    logs, finding = test_dossier.served_what_was_never_published()
    return format_dossier(test_dossier.filed(logs, finding, "KZ", "KG"))


def withdrawal() -> bytes:
    """A withdrawal of the world's bundle by two officers."""
    return format_withdrawal(test_withdrawal.withdrawal(world(), "kz-02", "kz-03"))


def preparation_note() -> bytes:
    """What preparation tells a desk."""
    return format_preparation_note(test_preparation_note.NOTE)


def proposal() -> bytes:
    """A proposal for another state of the registry."""
    metadata = {"timestamp": registry()["metadata/timestamp.json"]}
    return format_proposal(
        Proposal(kind="renew", subject="KZ", at=FOUNDED + timedelta(days=1), base=None, metadata=metadata, targets={})
    )


def change_signature() -> bytes:
    """One key's signature over a proposal."""
    change = Digest.of(proposal())
    return format_signature(
        ChangeSignature(change=change, role="kz", key=CALLER.public, signature=CALLER.sign(b"fuzz"))
    )


def passkey_proof() -> bytes:
    """An assertion as it travels."""
    return canonical_json(Authenticator("fuzz").prove(bytes(32)).as_json())


def registration() -> tuple[bytes, bytes]:
    """Client data and authenticator data of a registration."""
    maker = Authenticator("fuzz")
    return maker.client_data(bytes(32), ceremony="webauthn.create"), maker.registration_data()


APPLICATION = test_admission.RAW
DELIVERY = format_delivery(test_receipt.DELIVERY)
RECEIPT = format_receipt(test_receipt.RECEIPT)
VKEYS = tuple(format_vkey(log_samples.witness_vkey(member)).encode() for member in log_samples.WITNESSES[:2])
ENTRY_BUNDLE = format_entry_bundle(log().entries[:44])
TILES = tuple(
    format_tile_path(tile).encode() for tile in (Tile(level=0, index=0), Tile(level=ENTRIES, index=1234067, width=8))
)
TOKEN_URI = b"pkcs11:token=a;object=b?module-path=/x.so&pin-source=file:/y"
