"""Every parser of the core that takes bytes from outside, by what it reads."""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from functools import cache
from typing import Any

from exchange.bundle.zipform import pack_handover, pack_zip, unpack_handover, unpack_zip
from exchange.clearance.form import format_clearance, parse_clearance
from exchange.codes import parse_codelist, parse_period
from exchange.contract.correspondence import parse_correspondence
from exchange.contract.own_names import parse_own_names
from exchange.contract.parse import parse_contract
from exchange.encoding import Digest, canonical_json, parse_canonical_object, parse_instant, parse_json
from exchange.errors.trust import RegistryFileError
from exchange.flow.candidate import format_candidate, parse_candidate
from exchange.flow.preparation_note import format_preparation_note, parse_preparation_note
from exchange.log.checkpoint import read_checkpoint
from exchange.log.entry import format_entry, parse_entry
from exchange.log.note import SignatureKind, format_note, format_vkey, parse_note, parse_vkey
from exchange.log.policy import parse_policy
from exchange.log.proof import format_proof, parse_proof
from exchange.log.takeover import open_offer
from exchange.log.tiles import (
    format_entry_bundle,
    format_tile_path,
    parse_entry_bundle,
    parse_hash_tile,
    parse_tile_path,
)
from exchange.log.witness import format_add_checkpoint, parse_add_checkpoint, parse_answer, parse_conflict
from exchange.manifest import MANIFEST, format_manifest, parse_manifest
from exchange.publication import HANDOVER_FILES
from exchange.publication.logged import read_logged
from exchange.publication.verify import BUNDLE_TYP
from exchange.publication.withdrawal import format_withdrawal, parse_withdrawal
from exchange.receipt import format_delivery, format_receipt, parse_delivery, parse_receipt
from exchange.reconcile.dossier import format_dossier, parse_dossier
from exchange.report import format_report, parse_report
from exchange.sdmx.data import format_data, parse_data
from exchange.signing.admission import open_application
from exchange.signing.application import format_application, parse_application
from exchange.signing.ceremony_form import format_proposal, format_signature, parse_proposal, parse_signature
from exchange.signing.federation import parse_federation
from exchange.signing.history import read_snapshot
from exchange.signing.jws import open_attached, peek_attached, verify_detached
from exchange.signing.key_file import read_label
from exchange.signing.keys import KeyPurpose
from exchange.signing.members import parse_member_keys
from exchange.signing.registry import open_registry
from exchange.signing.sealing import open_private
from exchange.signing.token_uri import parse_token_uri
from exchange.signing.trust import open_trust
from exchange.statement import STATEMENT_TYP, open_statement
from tests.fuzz import seeds
from tests.fuzz.target import Target
from tests.fuzz.tokens import passkey_targets, token_targets, word_targets
from tests.unit.core import log_samples
from tests.world.bundles import PERIOD
from tests.world.clock import FOUNDED

DAY = timedelta(days=1)


def targets() -> dict[str, Target]:
    """All, by name."""
    return {target.name: target for group in GROUPS for target in group_of(group)}


@cache
def group_of(name: str) -> tuple[Target, ...]:
    """The targets of one group; made when asked for, since they begin with documents of a whole federation."""
    return tuple(GROUPS[name]())


def text(read: Callable[[str], object]) -> Callable[[bytes], object]:
    """A parser of text, given bytes as a web server or a file hands them on."""
    return lambda raw: read(raw.decode("utf-8", "replace"))


def written(write: Callable[[Any], str]) -> Callable[[object], bytes]:
    """A formatter of text, as bytes."""
    return lambda value: write(value).encode()


def _joined(hashes: Any) -> bytes:  # noqa: ANN401  # as every formatter here: what its parser gave
    return b"".join(hashes)


def _encodings() -> Iterable[Target]:
    manifest = seeds.world().files[MANIFEST]
    yield Target("JSON", lambda raw: parse_json(raw, subject="fuzz"), [manifest, b'{"a":[1,-2.5e3,"\\u00e9",null]}'])
    yield Target(
        "canonical JSON", lambda raw: parse_canonical_object(raw, subject="fuzz"), [manifest, b"{}"], canonical_json
    )
    yield Target("instant", text(lambda value: parse_instant(value, subject="fuzz")), [b"2026-10-01T12:00:00Z"])
    yield Target(
        "digest", text(lambda value: Digest.parse(value, subject="fuzz")), [str(Digest.of(b"")).encode()], written(str)
    )
    yield Target("period", text(parse_period), [b"2026-09", b"2026-Q3", b"2026"])


def _log() -> Iterable[Target]:
    files, log = seeds.world().files, seeds.log()
    witness, note = log_samples.witness_vkey("gb"), seeds.note()
    lines = note.partition(b"\n\n")[2].splitlines(keepends=True)
    policy = parse_policy(seeds.world().trust.policies["KZ"])
    proof = files["publication.tlog-proof"]
    yield Target("note", parse_note, [note], format_note)
    yield Target("checkpoint", lambda raw: read_checkpoint(raw)[1], [note], format_note)
    yield Target("proof", parse_proof, [seeds.proof(), proof], format_proof)
    yield Target("publication proof", read_logged, [proof])
    yield Target("entry", parse_entry, [parse_proof(proof).extra or b""], format_entry)
    yield Target(
        "entry bundle", lambda raw: parse_entry_bundle(raw, width=44), [seeds.ENTRY_BUNDLE], format_entry_bundle
    )
    yield Target("tile", lambda raw: parse_hash_tile(raw, width=2), [bytes(64)], _joined)
    yield Target("tile path", text(parse_tile_path), seeds.TILES, written(format_tile_path))
    yield Target("policy", parse_policy, [seeds.world().trust.policies["KZ"]])
    yield Target(
        "verifier key",
        text(lambda value: parse_vkey(value, kind=SignatureKind.COSIGNATURE)), seeds.VKEYS, written(format_vkey),
    )  # fmt: skip
    yield Target("add-checkpoint", parse_add_checkpoint, [seeds.add_checkpoint()], format_add_checkpoint)
    yield Target(
        "witness answer",
        lambda raw: parse_answer(raw, text=log.note().text, witness=witness), [b"".join(lines[1:]), lines[1]],
    )  # fmt: skip
    yield Target("witness conflict", parse_conflict, [b"20852163\n"], lambda size: f"{size}\n".encode())
    yield Target(
        "checkpoint of another witness",
        lambda raw: open_offer(raw, policy=policy),
        [parse_proof(proof).checkpoint_note],
    )


def _bundle() -> Iterable[Target]:
    world, files = seeds.world(), seeds.world().files
    contract, bundle_keys = world.contract, world.federation.hybrid("KZ", KeyPurpose.BUNDLE).public
    handed = {name: files[name] for name in HANDOVER_FILES}
    yield Target("manifest", parse_manifest, [files[MANIFEST]], format_manifest)
    yield Target(
        "data.csv",
        lambda raw: parse_data(raw, contract, provider="KZ", period=PERIOD), [files["data.csv"]],
        lambda data: format_data(data, contract), rate=100,
    )  # fmt: skip
    yield Target("disclosure.json", parse_report, [files["disclosure.json"]], format_report, rate=300)
    yield Target("clearance.json", parse_clearance, [files["clearance.json"]], format_clearance)
    yield Target("candidate.json", parse_candidate, [world.candidate.files()["candidate.json"]], format_candidate)
    yield Target("preparation note", parse_preparation_note, [seeds.preparation_note()], format_preparation_note)
    yield Target("withdrawal.json", parse_withdrawal, [seeds.withdrawal()], format_withdrawal)
    yield Target("ZIP", unpack_zip, [pack_zip(files)], pack_zip)
    yield Target("hand-over", unpack_handover, [pack_handover(handed)], pack_handover)
    yield Target(
        "detached JWS",
        lambda raw: verify_detached(raw, files[MANIFEST], typ=BUNDLE_TYP, keys=bundle_keys),
        [files["datapackage.jws"]],
    )  # fmt: skip


def _contract() -> Iterable[Target]:
    world, lists = seeds.world(), seeds.codelists()
    yields = [path.read_bytes() for path in sorted(seeds.CONTRACTS.glob("CA-0[17]*/1.0.0/*.yaml"))]
    regions = (seeds.CONTRACTS / "codelists/regions.csv").read_bytes()
    before = parse_codelist((seeds.CONTRACTS / "codelists/regions_2018.csv").read_bytes(), list_id="regions_2018")
    after = parse_codelist(regions, list_id="regions")
    moved = (seeds.CONTRACTS / "correspondences/regions_2018.regions.csv").read_bytes()
    yield Target("contract", lambda raw: parse_contract(raw, codelists=lists), yields, lambda c: c.raw, rate=10)  # type: ignore[attr-defined]  # what it read
    yield Target("code list", lambda raw: parse_codelist(raw, list_id="fuzz"), [regions])
    yield Target("correspondence", lambda raw: parse_correspondence(raw, before=before, after=after), [moved])
    names = (seeds.CONTRACTS / "labels/KG.csv").read_bytes()
    yield Target("own names", lambda raw: parse_own_names(raw, party="KG"), [names])
    said = world.statements[0].raw
    yield Target("statement", lambda raw: open_statement(raw, trust=world.trust), [said])
    yield Target("attached JWS", peek_attached, [said])
    keys = [listed.key for listed in world.trust.member(world.statements[0].party).keys]
    yield Target("signed JWS", lambda raw: open_attached(raw, typ=STATEMENT_TYP, keys=keys), [said])


def _pulls() -> Iterable[Target]:
    yield Target("receipt", parse_receipt, [seeds.RECEIPT], format_receipt)
    yield Target("delivery", parse_delivery, [seeds.DELIVERY], format_delivery)
    yield Target("evidence file", parse_dossier, [seeds.dossier()], format_dossier, rate=300)


def _registry() -> Iterable[Target]:
    files, root = seeds.registry(), seeds.registry()["metadata/1.root.json"]
    for role in ("timestamp", "1.snapshot", "1.targets", "1.root", "1.kz"):
        name = f"metadata/{role}.json"
        yield Target(f"registry {role}", _within(name, files, root), [files[name]], rate=30)
    federation = next(raw for name, raw in files.items() if name.endswith(".federation.json"))
    keys = next(raw for name, raw in files.items() if name.startswith("targets/kz/") or ".keys.json" in name)
    yield Target("federation.json", parse_federation, [federation])
    yield Target("keys of a member", lambda raw: parse_member_keys(raw, member_id="KZ", kind="state", name={}), [keys])
    yield Target("proposal", parse_proposal, [seeds.proposal()], format_proposal)
    roots = [open_registry(files, root=root, at=FOUNDED + DAY, expired="refuse").root]
    snapshot = files["metadata/1.snapshot.json"]
    yield Target(
        "archived snapshot", lambda raw: _genuine(read_snapshot(raw, version=1, roots=roots)), [snapshot], rate=100
    )
    yield Target("change signature", parse_signature, [seeds.change_signature()], format_signature)


def _genuine(found: object) -> object:
    """What a reader found that answers None where others raise."""
    if found is None:
        raise RegistryFileError(file="snapshot", reason="none")
    return found


def _within(name: str, files: dict[str, bytes], root: bytes) -> Callable[[bytes], object]:
    """The registry with one file in place of another: its metadata, then its members."""

    def read(raw: bytes) -> object:
        changed = {**files, name: raw}
        trusted = raw if name == "metadata/1.root.json" else root
        open_registry(changed, root=trusted, at=FOUNDED + DAY, expired="refuse")
        return open_trust(changed, root=trusted, at=FOUNDED + DAY, expired="refuse")

    return read


def _keys() -> Iterable[Target]:
    private = seeds.world().federation.private("KZ") / "gateway/log-ed25519.key"
    yield Target("application", parse_application, [seeds.APPLICATION], format_application)
    yield Target("admitted application", lambda raw: open_application(raw, trust=None), [seeds.APPLICATION], rate=200)
    yield Target("label of a key", lambda raw: read_label(raw, path="fuzz"), [private.read_bytes()])
    yield Target(
        "key file", lambda raw: open_private(raw, purpose="log", passphrase=b"fuzz", demo=True), [private.read_bytes()]
    )
    yield Target("token URI", text(parse_token_uri), [seeds.TOKEN_URI])


GROUPS: Mapping[str, Callable[[], Iterable[Target]]] = {
    "encodings": _encodings,
    "logs": _log,
    "bundles": _bundle,
    "contracts": _contract,
    "pulls": _pulls,
    "tokens": token_targets,
    "signed words": word_targets,
    "passkeys": passkey_targets,
    "registry": _registry,
    "keys": _keys,
}
