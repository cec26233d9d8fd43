"""`exchange contract codes`: a code list as a party calls it, and what became of the codes of its version before."""

from pathlib import Path

from exchange.codes import CodeList, parse_codelist
from exchange.contract.correspondence import Comparable, Correspondence, parse_correspondence
from exchange.contract.own_names import OwnNames, name_of, parse_own_names
from exchange.errors import ExitCode
from exchange.errors.contract import CodeListNotAtHandError
from nodes.desk.contract_sources import SOURCES
from nodes.terminal import CommandParser, Invocation


def codes(invocation: Invocation) -> int:
    """`contract codes LIST [--party MEMBER] [--before LIST]`: its codes, or what can be compared with another version.

    Lists, correspondences and parties' own names are those of the node, of the checkout where no node is named.
    """
    parser = CommandParser(invocation.command, "The codes of a list, and what became of those of the version before.")
    parser.add_argument("list", metavar="LIST", help="such as regions")
    parser.add_argument("--party", metavar="MEMBER", help="as this party calls them")
    parser.add_argument("--before", metavar="LIST", help="an earlier version, such as regions_2018")
    arguments = invocation.parse(parser)
    folder = invocation.node.contracts if invocation.node is not None else SOURCES
    codelist = _read(folder, arguments.list)
    if arguments.before is not None:
        before = _read(folder, arguments.before)
        file = folder / "correspondences" / f"{before.id}.{codelist.id}.csv"
        raw = file.read_bytes() if file.is_file() else b"before,after,note\n"
        _print_comparable(invocation, parse_correspondence(raw, before=before, after=codelist))
        return ExitCode.FINE
    party = None if arguments.party is None else str(arguments.party).upper()
    own = {file.stem: parse_own_names(file.read_bytes(), party=file.stem) for file in (folder / "labels").glob("*.csv")}
    _print_codes(invocation, codelist, party, own)
    return ExitCode.FINE


def _read(folder: Path, name: str) -> CodeList:
    known = {file.stem: file for file in sorted((folder / "codelists").glob("*.csv"))}
    if name not in known:
        raise CodeListNotAtHandError(found=name[:60], known=", ".join(known) or "-")
    return parse_codelist(known[name].read_bytes(), list_id=name)


def _print_codes(invocation: Invocation, codelist: CodeList, party: str | None, own: dict[str, OwnNames]) -> None:
    output = invocation.output
    language = output.language
    headers = {"en": ["code", "name", "under", "from", "to"], "ru": ["код", "название", "входит в", "с", "до"]}
    found = [
        {
            "code": code.id,
            "name": name_of(codelist, code.id, language, reader=party, own=own),
            "parent": code.parent,
            "valid_from": None if code.valid_from is None else code.valid_from.isoformat(),
            "valid_to": None if code.valid_to is None else code.valid_to.isoformat(),
        }
        for code in codelist.codes
    ]
    output.table(headers[language], [[cell or "" for cell in one.values()] for one in found])
    output.result({"list": codelist.id, "sha256": str(codelist.digest), "codes": found})


def _print_comparable(invocation: Invocation, correspondence: Correspondence) -> None:
    output = invocation.output
    before, after = correspondence.before.id, correspondence.after.id
    found = [one for one in correspondence.comparable() if not _unchanged(one, correspondence)]
    output.table([before, after], [[" + ".join(one.before), " + ".join(one.after)] for one in found])
    output.say(
        en="every other code means the same in both",
        ru="все остальные коды означают одно и то же в обоих",
    )
    comparable = [{"before": list(one.before), "after": list(one.after)} for one in found]
    output.result({"before": before, "after": after, "comparable": comparable})


def _unchanged(one: Comparable, correspondence: Correspondence) -> bool:
    """Whether a code alone stayed as it was, its days too."""
    if one.before != one.after or len(one.before) != 1:
        return False
    old, new = (listed.code(one.before[0]) for listed in (correspondence.before, correspondence.after))
    return old.valid_to is None and (new.valid_from is None or new.valid_from == old.valid_from)
