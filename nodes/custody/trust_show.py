"""`exchange trust show`: for a person, who may do what, by whose signatures, since when, and what expires next."""

from datetime import datetime
from pathlib import Path

from exchange.encoding import Digest, format_instant
from exchange.errors import ExitCode
from exchange.signing.authoring import Authority
from exchange.signing.members import Member, MemberKey
from exchange.signing.trust import FIRST_ROOT, Trust, open_trust
from exchange.signing.words import digest_words, fingerprint_words
from nodes.adapters.trust_folder import read_trust_files
from nodes.terminal import CommandParser, Invocation, Output

ACTS = {
    "root": ("say who holds the registry's keys", "решать, у кого ключи реестра"),
    "targets": (
        "admit, suspend, remove members; set witness policies",
        "принимать, приостанавливать, исключать участников; политики свидетелей",
    ),
    "snapshot": ("publish a new state", "публиковать новое состояние"),
    "timestamp": ("confirm that a state is the newest", "подтверждать, что состояние новейшее"),
}


def show(invocation: Invocation) -> int:
    """`trust show [--registry DIR] [--member ID] [--words]`: 3 if the registry has expired."""
    parser = CommandParser(invocation.command, "Who may do what, why, since when, and what expires next.")
    parser.add_argument("--registry", type=Path, metavar="DIR", help="by default the node's own")
    parser.add_argument("--member", metavar="ID", help="the keys of this member alone")
    parser.add_argument("--words", action="store_true", help="each key as words to say aloud")
    arguments = invocation.parse(parser)
    folder: Path = arguments.registry or invocation.require_node().keys
    files, now = read_trust_files(folder), invocation.clock.now()
    root = files.get(FIRST_ROOT, b"")
    trust = open_trust(files, root=root, at=now, expired="notice")
    only = None if arguments.member is None else trust.known(str(arguments.member).upper()).id
    output = invocation.output
    _tell_state(output, trust, Digest.of(root))
    _tell_acts(output, trust)
    _tell_members(output, trust, now)
    _tell_keys(output, trust, only, with_words=arguments.words)
    _tell_ends(output, trust)
    output.result(_document(trust, Digest.of(root), now, only))
    return ExitCode.DOES_NOT_HOLD if now >= trust.expires else ExitCode.FINE


def _tell_state(output: Output, trust: Trust, root: Digest) -> None:
    issued, until = format_instant(trust.issued), format_instant(trust.expires)
    output.say(
        en=f"{trust.name['en']}: registry version {trust.ref.version}, issued {issued}, valid until {until}",
        ru=f"{trust.name['ru']}: версия реестра {trust.ref.version}, издана {issued}, действует до {until}",
    )
    output.say(
        en="the first root, to compare with the protocol of the founding:",
        ru="первый корень, для сверки с протоколом учреждения:",
    )
    output.line(f"  {digest_words(root)}")
    for notice in trust.notices:
        output.line(f"! {notice.sentence(output.language)}")
    output.line()


def _tell_acts(output: Output, trust: Trust) -> None:
    russian = output.language == "ru"
    rows = [[ACTS[role][russian], *_by(trust.roles[role])] for role in ACTS]
    rows += [
        [
            f"менять собственные ключи: {member_id}" if russian else f"change its own keys: {member_id}",
            *_by(trust.roles[member_id.lower()]),
        ]
        for member_id in trust.members
    ]
    output.table(["что", "подписей", "кто"] if russian else ["act", "signatures", "who"], rows)
    output.line()


def _tell_members(output: Output, trust: Trust, now: datetime) -> None:
    russian = output.language == "ru"
    headers = ["участник", "состояние", "с", "адрес"] if russian else ["member", "standing", "since", "address"]
    rows = []
    for member in (*trust.members.values(), *trust.former.values()):
        standing, since = _standing(trust, member, now)
        rows.append([member.id, standing[russian], since, member.issuer or "–"])
    output.table(headers, rows)
    for member_id, problem in trust.silenced.items():
        output.line(f"! {member_id}: {problem.sentence(output.language)}")
    output.line()


def _tell_keys(output: Output, trust: Trust, only: str | None, *, with_words: bool) -> None:
    russian = output.language == "ru"
    headers = ["участник", "для", "ключ", "с", "до"] if russian else ["member", "for", "key", "from", "until"]
    rows = []
    for member in (*trust.members.values(), *trust.former.values()):
        for listed in member.keys if only in {None, member.id} else ():
            rows.append([member.id, _use(listed), listed.key.kid, format_instant(listed.valid_from), _end(listed)])
            if with_words:
                rows.append(["", "", fingerprint_words(listed.key), "", ""])
    output.table(headers, rows)
    output.line()


def _tell_ends(output: Output, trust: Trust) -> None:
    output.say(en="what expires next:", ru="что истекает раньше всего:")
    for role, ends in sorted(trust.ends.items(), key=lambda pair: pair[1]):
        output.line(f"  {format_instant(ends)}  {role}")


def _by(authority: Authority) -> tuple[str, str]:
    who = ", ".join(holder or key.kid[:16] for key, holder in authority.held())
    return f"{authority.threshold} / {len(authority.keys)}", who


def _standing(trust: Trust, member: Member, now: datetime) -> tuple[tuple[str, str], str]:
    one = trust.memberships[member.id]
    if one.left_at is not None:
        return ("left", "вышел"), format_instant(one.left_at)
    for suspension in one.suspensions:
        if suspension.covers(now):
            return ("suspended", "приостановлен"), format_instant(suspension.since)
    if member.id in trust.silenced:
        return ("silenced", "без голоса"), "–"
    first = min((listed.valid_from for listed in member.keys), default=None)
    return ("member", "участник"), "–" if first is None else format_instant(first)


def _use(listed: MemberKey) -> str:
    if listed.officer is None:
        return listed.purpose.value
    return f"{listed.officer} ({', '.join(listed.roles)}), {listed.proof_kind}"


def _end(listed: MemberKey) -> str:
    return "–" if listed.ends_at is None else format_instant(listed.ends_at)


def _document(trust: Trust, root: Digest, now: datetime, only: str | None) -> dict[str, object]:
    everybody = (*trust.members.values(), *trust.former.values())
    return {
        "version": trust.ref.version,
        "sha256": str(trust.ref.sha256),
        "issued": format_instant(trust.issued),
        "expires": format_instant(trust.expires),
        "first_root": str(root),
        "roles": {
            name: {
                "threshold": role.threshold,
                "keys": [{"key": key.kid, "holder": holder} for key, holder in role.held()],
                **({"expires": format_instant(trust.ends[name])} if name in trust.ends else {}),
            }
            for name, role in trust.roles.items()
        },
        "members": {
            member.id: {
                "standing": _standing(trust, member, now)[0][0],
                "since": _standing(trust, member, now)[1],
                "issuer": member.issuer,
                "keys": [
                    {
                        "for": _use(listed),
                        "algorithm": str(listed.key.algorithm),
                        "key": listed.key.kid,
                        "from": format_instant(listed.valid_from),
                        "until": _end(listed),
                    }
                    for listed in member.keys
                ],
            }
            for member in everybody
            if only in {None, member.id}
        },
        "silenced": {member_id: problem.code for member_id, problem in trust.silenced.items()},
    }
