"""`exchange trust confirm`: a person of the member has compared who may change its keys, and says that it is right."""

from exchange.errors import ExitCode
from exchange.signing.words import fingerprint_words
from nodes.adapters.trust_folder import load_trust
from nodes.gateway.own_delegation import Known, delegation_of, read_known, write_known
from nodes.terminal import CommandParser, Invocation


def confirm(invocation: Invocation) -> int:
    """`trust confirm`: print the keys that may change the member's keys, and remember them as confirmed."""
    parser = CommandParser(invocation.command, "Confirm who may change this member's keys.")
    parser.add_argument("--yes", action="store_true", help="they were compared aloud and are the member's own")
    arguments = invocation.parse(parser)
    node, output = invocation.require_node(), invocation.output
    trust = load_trust(node.keys, at=invocation.clock.now(), expired="notice")
    trust.member(node.member)
    role = trust.roles[node.member.lower()]
    output.say(
        en=f"{node.member}: {role.threshold} of these keys change the member's keys (registry {trust.ref.version}):",
        ru=f"{node.member}: {role.threshold} из этих ключей меняют ключи участника (реестр {trust.ref.version}):",
    )
    for key in role.keys:
        output.line(f"  {key.kid}")
        output.line(f"    {fingerprint_words(key)}")
    own, known = delegation_of(trust, node.member), read_known(node)
    if arguments.yes and own is not None:
        write_known(node, Known(confirmed=own, logged=frozenset() if known is None else known.logged))
        output.say(en="confirmed", ru="подтверждено")
    else:
        output.say(
            en="compare the words with their holders, then repeat with --yes",
            ru="сверьте слова с держателями и повторите с --yes",
        )
    output.result({"member": node.member, "confirmed": arguments.yes, "keys": [key.kid for key in role.keys]})
    return ExitCode.FINE
