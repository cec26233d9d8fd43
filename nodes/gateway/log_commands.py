"""`exchange log show|checkpoint|prove|recover`: the own log, for the operator.

`show` and `checkpoint` read only the node's files; `prove` asks the gateway, which knows the newest cosignatures;
`recover` needs it stopped, since it writes.
"""

import asyncio
import json
import secrets
from argparse import Namespace
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from exchange.encoding import Digest, base64_decode, format_instant
from exchange.errors import ExitCode
from exchange.errors.log import LeafIndexError
from exchange.log.checkpoint import Checkpoint, open_checkpoint
from exchange.log.entry import EntryType, LogEntry, format_entry, parse_entry
from exchange.log.note import SignatureKind, parse_vkey
from exchange.log.policy import WitnessPolicy, parse_policy
from exchange.log.proof import parse_proof, verify_proof
from exchange.log.tiles import ENTRIES, TILE_WIDTH, format_tile_path, parse_entry_bundle, tile_at
from exchange.signing.trust import Trust
from nodes.adapters.durable import write_durably
from nodes.adapters.local_gateway import LocalGateway
from nodes.adapters.tile_files import TileFiles
from nodes.adapters.trust_folder import load_trust
from nodes.gateway.rebuilding import Rebuilt
from nodes.gateway.recovering import recover_log
from nodes.gateway.refilling import refill
from nodes.gateway.serve import locked
from nodes.settings import NodeFolder
from nodes.terminal import CommandParser, Invocation, Output

SHOWN_MAX = 20
SHOWN_DIGITS = 12


def show(call: Invocation) -> int:
    """`exchange --node kz log show [--from INDEX] [--count N] [--type TYPE]`: entries, the newest ones if not told."""
    parser = CommandParser(call.command, "entries of the own log")
    parser.add_argument("--from", type=int, dest="first", metavar="INDEX", help="the first entry; else the newest")
    parser.add_argument("--count", type=int, default=SHOWN_MAX, help=f"at most this many ({SHOWN_MAX})")
    parser.add_argument("--type", choices=[kind.value for kind in EntryType], help="only entries of this type")
    asked = call.parse(parser)
    node = call.require_node()
    checkpoint = _checkpoint(node)
    wanted: list[tuple[int, LogEntry]] = []
    newest_first = asked.first is None
    for index, entry in _entries(node, checkpoint.size, backwards=newest_first, first=asked.first or 0):
        if len(wanted) >= asked.count:
            break
        if asked.type in {None, entry.type.value}:
            wanted.append((index, entry))
    wanted.sort(key=lambda found: found[0])
    russian = call.output.language == "ru"
    call.output.table(
        ["№", "время", "тип", "другая сторона", "договор", "набор", "код"]
        if russian
        else ["index", "at", "type", "counterpart", "contract", "bundle", "code"],
        [_row(index, entry) for index, entry in wanted],
    )
    call.output.result(
        {
            "origin": checkpoint.origin,
            "size": checkpoint.size,
            "entries": [{"index": index, **_members(entry)} for index, entry in wanted],
        }
    )
    return ExitCode.FINE


def checkpoint(call: Invocation) -> int:
    """`exchange --node kz log checkpoint`: the published one, and who cosigned it; 3 while its quorum is missing."""
    call.parse(CommandParser(call.command, "the published checkpoint, verified, and who cosigned it"))
    node, output = call.require_node(), call.output
    found = _checkpoint(node)
    policy = _policy(node, load_trust(node.keys, at=call.clock.now()))
    note = _note(node)
    times = policy.cosignatures(note)[1]
    met = policy.is_met_by(times)
    output.say(
        en=f"{found.origin}: {found.size} entries, root {found.root.hex()}",
        ru=f"{found.origin}: записей {found.size}, корень {found.root.hex()}",
    )
    for name, at in sorted(times.items(), key=lambda one: (one[1], one[0])):
        output.say(en=f"  cosigned by {name} at {format_instant(at)}", ru=f"  заверил {name} {format_instant(at)}")
    if met:
        complete = format_instant(policy.check(note).cosigned_at)
        output.say(en=f"  its quorum was complete at {complete}", ru=f"  кворум собран {complete}")
    else:
        output.say(en="  its quorum is not complete yet", ru="  кворум ещё не собран")
    output.result(
        {
            "origin": found.origin,
            "size": found.size,
            "root": found.root.hex(),
            "quorum": met,
            "cosigned": {name: format_instant(at) for name, at in times.items()},
        }
    )
    return ExitCode.FINE if met else ExitCode.DOES_NOT_HOLD


def prove(call: Invocation) -> int:
    """`exchange --node kz log prove INDEX [-o FILE]`: a proof that anybody verifies offline (C2SP tlog-proof)."""
    parser = CommandParser(call.command, "a proof that an entry is in the own log, for anybody to verify offline")
    parser.add_argument("index", type=int)
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="where to write it; else it is printed")
    asked = call.parse(parser)
    node, output = call.require_node(), call.output
    answer: dict[str, Any] = LocalGateway(node, language=output.language).get(f"/local/log/proofs/{asked.index}")
    raw = str(answer["proof"]).encode("utf-8")
    entry = base64_decode(str(answer["entry"]), subject="entry")
    policy = _policy(node, load_trust(node.keys, at=call.clock.now()))
    cosigned = verify_proof(parse_proof(raw), entry, policy)  # what does not hold here convinces nobody elsewhere
    if asked.output is None:
        output.text(raw.decode("utf-8").removesuffix("\n"))
    else:
        write_durably(asked.output, raw)
        output.say(
            en=f"entry {asked.index} of {cosigned.origin}, proved at size {cosigned.size}: {asked.output}",
            ru=f"запись {asked.index} журнала {cosigned.origin}, доказана при размере {cosigned.size}: {asked.output}",
        )
    output.result(
        {
            "index": asked.index,
            "size": cosigned.size,
            "cosigned_at": format_instant(cosigned.cosigned_at),
            "entry": _members(parse_entry(entry)),
            "proof": raw.decode("utf-8"),
        }
    )
    return ExitCode.FINE


def end(call: Invocation) -> int:
    """`exchange --node kz log end`: close the log, once the registry names the next one; 3 while the quorum is missing.

    See docs/ceremony.md, "A new log".
    """
    call.parse(CommandParser(call.command, "enter the log's last entry; the next log's key then goes on from there"))
    output = call.output
    done: dict[str, Any] = LocalGateway(call.require_node(), language=output.language).post("/local/log/end", {})
    output.say(
        en=f"{done['origin']}: closed at size {done['size']}; {done['next']} takes its place",
        ru=f"{done['origin']}: закрыт при размере {done['size']}; его место займёт {done['next']}",
    )
    if done["quorum"]:
        output.say(
            en="  its quorum has cosigned it: stop the gateway, exchange key use, start again",
            ru="  кворум заверил его: остановите шлюз, exchange key use, запустите снова",
        )
    else:
        output.say(
            en="  its quorum is not complete yet: leave the gateway running, and ask again",
            ru="  кворум ещё не собран: не останавливайте шлюз и повторите команду",
        )
    output.result(done)
    return ExitCode.FINE if done["quorum"] else ExitCode.DOES_NOT_HOLD


def recover(call: Invocation) -> int:
    """`exchange --node kz log recover [-o FILE|--files FOLDER]`: what a lost disk held, from mirror or files."""
    asked = _recover_arguments(call)
    node, output = call.require_node(), call.output
    if asked.files is not None:
        return _recover_files(call, node, asked.files)
    with locked(node):
        recovered = asyncio.run(recover_log(node, clock=call.clock, random=secrets.token_bytes, to_cut=asked.to_cut))
    for member, reason in recovered.passed_over.items():
        output.say(en=f"passed over the mirror of {member}: {reason}", ru=f"зеркало {member} пропущено: {reason}")
    if recovered.size == recovered.before:
        output.say(
            en=f"{node.member}: nothing to recover: this node holds {recovered.size} entries, and the mirror no more",
            ru=f"{node.member}: восстанавливать нечего: на узле записей {recovered.size}, в зеркале не больше",
        )
        output.say(
            en="if the gateway still says log-behind-witness, no mirror has the rest: docs/ceremony.md, of a log that "
            "is cut",
            ru="если шлюз всё же говорит log-behind-witness, остального нет ни в одном зеркале: "
            "docs/ceremony.md, о журнале, который обрывают",
        )
    else:
        output.say(
            en=f"{node.member}: {recovered.size} entries again, {recovered.before} before; start the gateway",
            ru=f"{node.member}: в журнале снова записей {recovered.size}, было {recovered.before}; запустите шлюз",
        )
        for kind, count in recovered.types.items():
            output.line(f"  {count:6d}  {kind}")
        _tell_rebuilt(recovered.rebuilt, output)
    if asked.output is not None and recovered.note is not None:
        write_durably(asked.output, recovered.note)
    output.result(
        {
            "before": recovered.before,
            "size": recovered.size,
            "types": dict(recovered.types),
            "again": dict(recovered.rebuilt.again),
            "lost": dict(recovered.rebuilt.lost),
            "passed_over": dict(recovered.passed_over),
        }
    )
    return ExitCode.FINE


def _recover_arguments(call: Invocation) -> Namespace:
    parser = CommandParser(call.command, "refetch what a restored backup lacks of the own log; the gateway is stopped")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="the mirror's cosigned checkpoint, for trust propose log --cut",
    )
    parser.add_argument(
        "--to-cut",
        action="store_true",
        help="also from a mirror that has less than a quorum cosigned: to have the log cut there, never to sign",
    )
    parser.add_argument(
        "--files",
        type=Path,
        metavar="FOLDER",
        help="put back what was lost beside the log from files found since; asks no mirror",
    )
    return call.parse(parser)


def _recover_files(call: Invocation, node: NodeFolder, folder: Path) -> int:
    """`exchange --node kz log recover --files FOLDER`: each file is judged by the digests in the own log."""
    with locked(node):
        rebuilt = refill(node, folder, clock=call.clock)
    if not rebuilt.again:
        call.output.say(
            en=f"{node.member}: nothing in {folder} is named by an entry whose effect is lost",
            ru=f"{node.member}: ничего из {folder} не названо записью, следствие которой утрачено",
        )
    _tell_rebuilt(rebuilt, call.output)
    call.output.result({"again": dict(rebuilt.again), "lost": dict(rebuilt.lost)})
    return ExitCode.FINE


def _tell_rebuilt(rebuilt: Rebuilt, output: Output) -> None:
    """What the recovered entries did, and whether it is there again."""
    for kind, count in rebuilt.again.items():
        output.say(en=f"  put back from files: {count} × {kind}", ru=f"  восстановлено из файлов: {count} × {kind}")
    for kind, count in rebuilt.lost.items():
        output.say(en=f"  no file here holds it: {count} × {kind}", ru=f"  нет в файлах здесь: {count} × {kind}")
    if "bundle.published" in rebuilt.lost:
        output.say(
            en="  lost bundles' hand-overs, or their ZIPs from partners, in a folder: log recover --files FOLDER",
            ru="  передаточные файлы утраченных наборов или их ZIP от партнёров в папке: log recover --files FOLDER",
        )
    if "bundle.withdrawn" in rebuilt.lost:
        output.say(
            en="  withdrawn bundles are not served; why they were is with the desk and the partners",
            ru="  отозванные наборы не выдаются; причина отзыва — у рабочего места и партнёров",
        )


def _note(node: NodeFolder) -> bytes:
    return TileFiles(node.log).checkpoint() or b""


def _checkpoint(node: NodeFolder) -> Checkpoint:
    """The published checkpoint, verified with the log's own key.

    Raises:
        LogError: There is none, or it is not by this log.
    """
    vkey = parse_vkey(node.log_vkey.read_text(encoding="ascii").strip(), kind=SignatureKind.LOG)
    return open_checkpoint(_note(node), logs=[vkey])


def _policy(node: NodeFolder, trust: Trust) -> WitnessPolicy:
    return parse_policy(trust.policies[node.member])


def _entries(node: NodeFolder, size: int, *, backwards: bool, first: int) -> Iterator[tuple[int, LogEntry]]:
    """The entries from the files, one bundle after the other."""
    if not 0 <= first <= size:
        raise LeafIndexError(origin=node.member, index=first, size=size)
    files = TileFiles(node.log)
    indexes = range(first // TILE_WIDTH, -(-size // TILE_WIDTH))
    for number in reversed(indexes) if backwards else indexes:
        tile = tile_at(ENTRIES, number, size=size)
        raw = files.read(format_tile_path(tile)) or b""
        found = enumerate(parse_entry_bundle(raw, width=tile.width, path=format_tile_path(tile)), tile.start)
        parsed = [(index, parse_entry(entry)) for index, entry in found if index >= first]
        yield from reversed(parsed) if backwards else parsed


def _row(index: int, entry: LogEntry) -> list[object]:
    return [
        index,
        format_instant(entry.at),
        entry.type.value,
        entry.counterpart or "",
        _short(entry.contract),
        _short(entry.bundle),
        entry.code or "",
    ]


def _short(digest: Digest | None) -> str:
    return "" if digest is None else digest.hex[:SHOWN_DIGITS]


def _members(entry: LogEntry) -> Mapping[str, Any]:
    members: dict[str, Any] = json.loads(format_entry(entry))
    return members
