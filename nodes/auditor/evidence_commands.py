"""`exchange audit evidence N -o FILE` and `exchange audit verify FILE --trust DIR`.

The first makes an evidence file out of what the auditor keeps, asking nobody; the second is for anybody, needs no node
and no network, and believes nothing in the file. It also verifies an audit report's folder.
"""

from pathlib import Path
from typing import Any

from exchange.encoding import format_instant
from exchange.errors import ExitCode
from exchange.errors.audit import FindingUnknownError
from exchange.errors.settings import FileRefusedError
from exchange.flow.audit import Proven, decide_again
from exchange.flow.prove import smallest_proof
from exchange.flow.word import Word
from exchange.reconcile.dossier import DOSSIER_BYTES_MAX, format_dossier, parse_dossier
from nodes.adapters.durable import write_durably
from nodes.adapters.trust_folder import load_trust
from nodes.auditor.commands import last_run, open_store
from nodes.auditor.filing import charge_in, kept_of, read_codelists, read_contracts
from nodes.auditor.report_commands import read_bounded, verify_report
from nodes.terminal import CommandParser, Invocation, Output

WORDS = {
    Word.ORDER: ("that this log was shown after a longer one", "что этот журнал показан после более длинного"),
    Word.UNANSWERED: ("that evidence named in a log was not shown", "что названное в журнале не было предъявлено"),
    Word.CLOCK: ("that it was this late when the audit decided", "что на момент аудита прошло столько времени"),
    Word.NEWEST: (
        "that these logs showed no more when the audit decided",
        "что на момент аудита эти журналы не показывали большего",
    ),
    Word.EARLIEST: (
        "that no witness had cosigned the publication before the time in this file",
        "что до указанного в файле времени публикацию не заверил ни один свидетель",
    ),
    Word.FILES: ("that these files of a bundle were the ones served", "что выданы были именно эти файлы набора"),
}


def evidence(call: Invocation) -> int:
    """`exchange --node iom audit evidence N -o FILE`: finding N of the last run, for anybody to decide again."""
    parser = CommandParser(call.command, "an evidence file for a finding of the last audit")
    parser.add_argument("number", type=int, metavar="N", help="the finding's number in `audit findings`")
    parser.add_argument("-o", "--output", required=True, metavar="FILE", type=Path)
    asked = call.parse(parser)
    node = call.require_node()
    trust = load_trust(node.keys, at=call.clock.now(), expired="notice")
    codelists = read_codelists(node.contracts)
    with open_store(node) as store:
        run = last_run(node, store)
        findings = run["findings"]
        assert isinstance(findings, list)
        if not 1 <= asked.number <= len(findings):
            raise FindingUnknownError(number=asked.number, found=len(findings))
        kept = kept_of(run, store, contracts=read_contracts(node.contracts, codelists))
    charge = charge_in(findings[asked.number - 1])
    dossier, proven = smallest_proof(kept, charge, trust=trust, codelists=codelists)
    raw = format_dossier(dossier)
    try:
        write_durably(asked.output, raw)
    except OSError as error:
        raise FileRefusedError(path=str(asked.output), reason=error.strerror or type(error).__name__) from error
    _print(proven, call.output)
    call.output.line(f"{asked.output}: {len(raw)} B")
    call.output.result({"file": str(asked.output), "bytes": len(raw), **_as_json(proven, call.output)})
    return ExitCode.FINE


def verify(call: Invocation) -> int:
    """`exchange audit verify FILE --trust DIR`: 3 if it does not prove its finding, or is not what was signed."""
    parser = CommandParser(call.command, "verify an evidence file, or the folder of an audit report, offline")
    parser.add_argument("path", metavar="FILE", type=Path, help="an evidence file, or a report's folder")
    parser.add_argument("--trust", required=True, metavar="DIR", type=Path, help="registry, contracts, code lists")
    asked = call.parse(parser)
    trust = load_trust(asked.trust, at=call.clock.now(), expired="notice")
    if asked.path.is_dir():
        return verify_report(asked.path, trust, call.output)
    dossier = parse_dossier(read_bounded(asked.path, bytes_max=DOSSIER_BYTES_MAX))
    proven = decide_again(dossier, trust=trust, codelists=read_codelists(asked.trust / "contracts"))
    _print(proven, call.output)
    call.output.result(_as_json(proven, call.output))
    return ExitCode.FINE


def _print(proven: Proven, output: Output) -> None:
    finding, russian = proven.finding, output.language == "ru"
    output.say(
        en=f"Proven: {finding.reason.code} [{finding.party}]", ru=f"Доказано: {finding.reason.code} [{finding.party}]"
    )
    output.line(finding.reason.sentence(output.language))
    output.line()
    output.table(
        ["журнал", "записей", "заверен"] if russian else ["log", "entries", "cosigned"],
        [
            [member, size, "-" if at is None else format_instant(at)]
            for member, (size, at) in sorted(proven.checkpoints.items())
        ],
    )
    for word in sorted(proven.word):
        en, ru = WORDS[word]
        output.say(en=f"On the auditor's word: {en}", ru=f"Со слов аудитора: {ru}")
    if not proven.word:
        output.say(en="Nothing rests on the auditor's word.", ru="Слово аудитора ни для чего не понадобилось.")


def _as_json(proven: Proven, output: Output) -> dict[str, Any]:
    finding = proven.finding
    return {
        "holds": True,
        "finding": {
            "code": finding.reason.code,
            "party": finding.party,
            "message": finding.reason.sentence(output.language),
            "entries": [{"member": member, "index": index} for member, index in finding.entries],
        },
        "checkpoints": [
            {"member": member, "size": size, "cosigned_at": None if at is None else format_instant(at)}
            for member, (size, at) in sorted(proven.checkpoints.items())
        ],
        "word": sorted(word.value for word in proven.word),
    }
