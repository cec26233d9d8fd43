"""`exchange trust show`: for a person, who may do what, by whose signatures, since when, and what expires next."""

from datetime import datetime
from pathlib import Path

from exchange.encoding import Digest, format_instant
from exchange.errors import ExitCode
from exchange.signing.members import Member, MemberKey
from exchange.signing.trust import FIRST_ROOT, Trust, open_trust
from exchange.signing.words import digest_words, fingerprint_words
from nodes.adapters.trust_folder import read_trust_files
from nodes.custody.trust_show_words import ACTS, ENDED, ENDS, HEADERS, STANDINGS, USES, by_whom, how_many, in_language
from nodes.custody.trust_standing import KeyStanding, everybody, key_standing, member_since, member_standing
from nodes.terminal import CommandParser, Invocation, Output


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
    _tell_keys(output, trust, now, only, with_words=arguments.words)
    _tell_ends(output, trust)
    output.result(_document(trust, Digest.of(root), now, only))
    return ExitCode.DOES_NOT_HOLD if now >= trust.expires else ExitCode.FINE


def _tell_state(output: Output, trust: Trust, root: Digest) -> None:
    issued, until = format_instant(trust.issued), format_instant(trust.expires)
    output.say(
        en=f"{trust.name['en']}: registry version {trust.ref.version}, issued {issued}, valid until {until}",
        ru=f"{trust.name['ru']}: версия реестра {trust.ref.version}, издана {issued}, действует до {until}",
    )
    output.say(en=f"auditor: {trust.auditor}", ru=f"аудитор: {trust.auditor}")
    for one in trust.earlier_auditors:
        end = format_instant(one.until)
        output.say(en=f"  before it, until {end}: {one.member}", ru=f"  до него, по {end}: {one.member}")
    output.say(
        en="the first root, to compare with the protocol of the founding:",
        ru="первый корень, для сверки с протоколом учреждения:",
    )
    output.line(f"  {digest_words(root)}")
    for notice in trust.notices:
        output.line(f"! {notice.sentence(output.language)}")
    output.line()


def _tell_acts(output: Output, trust: Trust) -> None:
    words = in_language(output.language)
    rows = [[words(act), how_many(trust.roles[role], words), by_whom(trust.roles[role], words)] for role, act in ACTS]
    rows += [
        [
            words((f"list and revoke keys of {member_id}", f"вносить и отзывать ключи {member_id}")),
            how_many(trust.roles[member_id.lower()], words),
            by_whom(trust.roles[member_id.lower()], words),
        ]
        for member_id in trust.members
    ]
    output.table([words(header) for header in HEADERS["acts"]], rows)
    output.line()


def _tell_members(output: Output, trust: Trust, now: datetime) -> None:
    words = in_language(output.language)
    rows = []
    for member in everybody(trust):
        standing, at = member_standing(trust, member, now)
        since = member_since(member)
        rows.append(
            [
                member.id,
                member.name[output.language],
                "–" if since is None else format_instant(since),
                words(STANDINGS[standing]) + ("" if at is None else f" {format_instant(at)}"),
                member.issuer or "–",
                " → ".join(member.origins) if member.log_vkey else "–",
            ]
        )
    output.table([words(header) for header in HEADERS["members"]], rows)
    for member_id, problem in trust.silenced.items():
        output.line(f"! {member_id}: {problem.sentence(output.language)}")
    output.line()


def _tell_keys(output: Output, trust: Trust, now: datetime, only: str | None, *, with_words: bool) -> None:
    words = in_language(output.language)
    rows = []
    for member in everybody(trust):
        for listed in member.keys if only in {None, member.id} else ():
            standing = key_standing(trust, member, listed, now)
            use = _officer(listed) if listed.officer is not None else words(USES[listed.purpose])
            ends = "–" if standing.ends_at is None else format_instant(standing.ends_at)
            why = "" if standing.ended is None else f" {words(ENDED[standing.ended])}"
            key = [listed.key.kid, str(listed.key.algorithm)]
            rows.append([member.id, use, *key, format_instant(listed.valid_from), ends + why])
            if with_words:
                rows.append(["", "", fingerprint_words(listed.key), "", "", ""])
    output.table([words(header) for header in HEADERS["keys"]], rows)
    output.line()


def _tell_ends(output: Output, trust: Trust) -> None:
    words = in_language(output.language)
    output.say(en="what expires next:", ru="что истекает раньше всего:")
    rows = []
    for role, ends in sorted(trust.ends.items(), key=lambda pair: pair[1]):
        otherwise = ENDS.get(role, (f"else {role.upper()} alone is silenced", f"иначе {role.upper()} теряет голос"))
        authority = trust.roles.get(role)  # none of a member that has left
        signs = "–" if authority is None else f"{how_many(authority, words)}: {by_whom(authority, words)}"
        rows.append([format_instant(ends), role, signs, words(otherwise)])
    output.table([words(header) for header in HEADERS["ends"]], rows)


def _officer(listed: MemberKey) -> str:
    return f"{listed.officer} ({', '.join(listed.roles)}), {listed.proof_kind}"


def _document(trust: Trust, root: Digest, now: datetime, only: str | None) -> dict[str, object]:
    return {
        "version": trust.ref.version,
        "sha256": str(trust.ref.sha256),
        "issued": format_instant(trust.issued),
        "expires": format_instant(trust.expires),
        "first_root": str(root),
        "auditor": trust.auditor,
        "earlier_auditors": [
            {"member": one.member, "until": format_instant(one.until)} for one in trust.earlier_auditors
        ],
        "roles": {
            name: {
                "threshold": role.threshold,
                "keys": [{"key": key.kid, "holder": holder} for key, holder in role.held()],
                **({"expires": format_instant(trust.ends[name])} if name in trust.ends else {}),
            }
            for name, role in trust.roles.items()
        },
        "members": {member.id: _member(trust, member, now) for member in everybody(trust) if only in {None, member.id}},
        "silenced": {member_id: problem.code for member_id, problem in trust.silenced.items()},
    }


def _member(trust: Trust, member: Member, now: datetime) -> dict[str, object]:
    standing, at = member_standing(trust, member, now)
    since = member_since(member)
    return {
        "name": dict(member.name),
        "standing": standing,
        "since": _instant(since if at is None else at),
        "issuer": member.issuer,
        "logs": list(member.origins) if member.log_vkey else [],
        "keys": [_key(listed, key_standing(trust, member, listed, now)) for listed in member.keys],
    }


def _key(listed: MemberKey, standing: KeyStanding) -> dict[str, object]:
    return {
        "for": listed.purpose.value if listed.officer is None else _officer(listed),
        "algorithm": str(listed.key.algorithm),
        "key": listed.key.kid,
        "from": format_instant(listed.valid_from),
        "until": _instant(standing.ends_at),
        "ended": standing.ended,
    }


def _instant(at: datetime | None) -> str:
    return "–" if at is None else format_instant(at)
