"""`exchange audit report`: the last run as signed JSON, pages and PDFs in each language, and a log entry."""

from collections.abc import Callable, Mapping
from pathlib import Path

from exchange.encoding import Digest
from exchange.errors import ExitCode, Language
from exchange.errors.evidence import EvidenceFileError, ReportPageError
from exchange.errors.settings import FileRefusedError
from exchange.reconcile.report import REPORT_BYTES_MAX, format_report, open_report, sign_report
from exchange.signing.keys import KeyPurpose
from exchange.signing.trust import Trust
from nodes.adapters.durable import write_durably
from nodes.adapters.key_files import read_passphrase, read_signer
from nodes.adapters.local_gateway import LocalGateway
from nodes.adapters.plain_files import open_plain
from nodes.auditor.commands import last_run, open_store
from nodes.auditor.report_document import report_document
from nodes.paper import Document, html_bytes, pdf_bytes
from nodes.terminal import CommandParser, Invocation, Output

REPORT, SIGNATURE = "report.json", "report.jws"
REPORTS = "reports"
"""The folder of the node in which the console looks for reports, each in a folder of its own."""
LANGUAGES: tuple[Language, ...] = ("en", "ru")
FORMS: Mapping[str, Callable[[Document], bytes]] = {"html": html_bytes, "pdf": pdf_bytes}


def report(call: Invocation) -> int:
    """`exchange --node iom audit report [-o FOLDER]`: the same exit code as the run that it reports."""
    parser = CommandParser(
        call.command, "the last audit as a signed report: JSON, and a page and a PDF in each language"
    )
    parser.add_argument("-o", "--output", metavar="FOLDER", type=Path, help="instead of the node's own reports")
    asked = call.parse(parser)
    node = call.require_node()
    with open_store(node) as store:
        run = last_run(node, store)
    folder = asked.output or node.path / REPORTS / str(run["at"]).replace(":", "")
    settings = node.settings
    passphrase = read_passphrase(node.path / settings.passphrase_file) if settings.passphrase_file else None
    signer = read_signer(node.private, KeyPurpose.TRANSPORT, passphrase=passphrase, demo=settings.demo)
    signed = format_report(run, auditor=node.member)
    jws = sign_report(signed, signer=signer)
    files = {REPORT: signed, SIGNATURE: jws, **_pages(run | {"auditor": node.member}, signed)}
    try:
        for name, raw in files.items():
            write_durably(folder / name, raw)
    except OSError as error:
        raise FileRefusedError(path=str(folder), reason=error.strerror or type(error).__name__) from error
    # The report is an entry of the auditor's own log: it cannot give out two of one audit unseen.
    index = LocalGateway(node).post("/local/audits", {"evidence": str(Digest.of(jws))})["index"]
    call.output.say(en=f"Report in {folder}, log entry {index}", ru=f"Отчёт в {folder}, запись {index}")
    call.output.result({"folder": str(folder), "files": sorted(files), "entry": index, "green": run["green"]})
    return ExitCode.FINE if run["green"] else ExitCode.DOES_NOT_HOLD


def verify_report(folder: Path, trust: Trust, output: Output) -> int:
    """Verify a report's folder: the auditor's signature, and that its pages say what was signed.

    Raises:
        EvidenceFileError: A file is missing or too large.
        ReportPageError: A page says something else.
        ExchangeError: As `open_report`.
    """
    signed, jws = (read_bounded(folder / name, bytes_max=REPORT_BYTES_MAX) for name in (REPORT, SIGNATURE))
    document = open_report(signed, jws, trust=trust)
    for name, page in _rendered(document, signed).items():
        found = read_bounded(folder / name, bytes_max=REPORT_BYTES_MAX)
        if found != page:
            raise ReportPageError(page=name, expected=str(Digest.of(page)), found=str(Digest.of(found)))
    output.say(
        en=f"Signed by {document['auditor']}, audit of {document['at']}; its pages say what was signed.",
        ru=f"Подписано {document['auditor']}, аудит от {document['at']}; страницы соответствуют подписанному.",
    )
    output.result({"holds": True, "auditor": document["auditor"], "at": document["at"], "green": document["green"]})
    return ExitCode.FINE


def _rendered(document: Mapping[str, object], signed: bytes) -> dict[str, bytes]:
    """The pages of a document that the auditor signed.

    Raises:
        EvidenceFileError: It is no report that this program writes.
    """
    try:
        return _pages(document, signed)
    except (KeyError, TypeError, AttributeError) as error:
        raise EvidenceFileError(path=REPORT, reason=type(error).__name__) from error


def _pages(document: Mapping[str, object], signed: bytes) -> dict[str, bytes]:
    return {
        f"report.{language}.{form}": write(report_document(document, signed, language))
        for language in LANGUAGES
        for form, write in FORMS.items()
    }


def read_bounded(path: Path, *, bytes_max: int) -> bytes:
    """A file that somebody handed over.

    Raises:
        EvidenceFileError: It cannot be read, or is larger than this.
    """
    try:
        with open_plain(path) as file:
            raw = file.read(bytes_max + 1)
    except OSError as error:
        raise EvidenceFileError(path=str(path), reason=error.strerror or type(error).__name__) from error
    if len(raw) > bytes_max:
        raise EvidenceFileError(path=str(path), reason=f"> {bytes_max} B")
    return raw
