"""`exchange passkey ask|apply`: an officer's application to have a passkey listed in the registry."""

from pathlib import Path

from exchange.encoding import Digest, base64url_encode, parse_json_object, require_members
from exchange.errors import ExitCode
from exchange.errors.settings import CommandLineError, FileRefusedError
from exchange.signing.passkey import parse_passkey_proof
from exchange.signing.words import digest_words, fingerprint_words
from nodes.adapters.durable import write_durably
from nodes.adapters.plain_files import read_plain
from nodes.desk.enrolling import REQUEST_BYTES_MAX, PasskeyRequest, format_request, parse_credential, parse_request
from nodes.terminal import CommandParser, Invocation


def ask(invocation: Invocation) -> int:
    """`passkey ask CREDENTIAL --officer ID=ROLE,… -o REQUEST`: what the passkey is to answer to be applied for."""
    parser = CommandParser(invocation.command, "Begin an application for an officer's passkey.")
    parser.add_argument("credential", type=Path, metavar="CREDENTIAL", help='JSON: {"jwk": …, "passkey": …}')
    parser.add_argument("--officer", required=True, metavar="ID=ROLE,…", help="the roles: kz-02=clearing")
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="REQUEST", help="must not exist")
    arguments = invocation.parse(parser)
    node = invocation.require_node()
    document = parse_json_object(_read(arguments.credential), subject="credential", bytes_max=REQUEST_BYTES_MAX)
    require_members(document, {"jwk", "passkey"}, subject="credential")
    officer, _, roles = arguments.officer.partition("=")
    request = PasskeyRequest(
        member=node.member,
        at=invocation.clock.now().replace(microsecond=0),
        officer=officer,
        roles=tuple(sorted(set(roles.split(",")))),
        credential=parse_credential(document, subject="credential"),
    )
    raw = format_request(request)
    _write(arguments.output, raw)
    challenge = base64url_encode(request.challenge)
    origins, output = request.credential.origins, invocation.output
    output.say(en=f"passkey {request.credential.kid}", ru=f"ключ доступа {request.credential.kid}")
    output.line(f"  {fingerprint_words(request.credential)}")
    output.say(en=f"challenge: {challenge}", ru=f"вызов: {challenge}")
    output.say(en=f"to be answered on {' '.join(origins)}", ru=f"ответить на {' '.join(origins)}")
    output.result(
        {
            "request": str(arguments.output),
            "challenge": challenge,
            "credential_id": base64url_encode(request.credential.credential_id),
            "rp_id": request.credential.rp_id,
            "origins": list(origins),
            "kid": request.credential.kid,
            "words": fingerprint_words(request.credential),
        }
    )
    return ExitCode.FINE


def apply(invocation: Invocation) -> int:
    """`passkey apply REQUEST --assertion FILE -o FILE`: the application, for `trust propose rotate`."""
    parser = CommandParser(invocation.command, "Write the application for an officer's passkey.")
    parser.add_argument("request", type=Path, metavar="REQUEST", help="what passkey ask wrote")
    parser.add_argument("--assertion", required=True, type=Path, metavar="FILE", help="the passkey's answer, as JSON")
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="FILE", help="must not exist")
    arguments = invocation.parse(parser)
    request = parse_request(_read(arguments.request))
    answer = parse_json_object(_read(arguments.assertion), subject="assertion", bytes_max=REQUEST_BYTES_MAX)
    raw = request.application(parse_passkey_proof(answer, subject="assertion"))
    _write(arguments.output, raw)
    digest, words = Digest.of(raw), fingerprint_words(request.credential)
    output = invocation.output
    output.say(en=f"application: {arguments.output}", ru=f"заявка: {arguments.output}")
    output.line(f"  {digest_words(digest)}")
    output.say(
        en=f"next, where the delegation keys lie: exchange trust propose rotate --application {arguments.output} …",
        ru=f"далее, где лежат ключи делегирования: exchange trust propose rotate --application {arguments.output} …",
    )
    output.result(
        {
            "application": str(arguments.output),
            "digest": str(digest),
            "words": digest_words(digest),
            "officer": request.officer,
            "kid": request.credential.kid,
            "key_words": words,
        }
    )
    return ExitCode.FINE


def _read(path: Path) -> bytes:
    try:
        return read_plain(path)
    except OSError as error:
        raise FileRefusedError(path=str(path), reason=error.strerror or "not readable") from error


def _write(path: Path, raw: bytes) -> None:
    if path.exists():
        raise CommandLineError(reason=f"{path} exists already", command="-o FILE that does not exist yet")
    write_durably(path, raw)
