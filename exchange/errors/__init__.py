"""Every error of the exchange: a tree whose leaves carry a stable code, named facts, and a sentence in each language.

ExchangeError
├── encoding.*      bytes that are not the one legal spelling of what they claim to be
├── contract.*      contracts, code lists, statements                    (exit 6 where the contract refuses)
├── trust.*         registry, keys, signatures
├── keys.*          applications for keys, private keys in files and tokens
├── passkey.*       WebAuthn assertions of officers
├── log.*           entries, proofs, checkpoints, witnesses
├── preparation.*   rows, mappings, aggregation
├── disclosure.*    what cannot be released safely                       (exit 7)
├── tabular.*       table instances and publications of `exchange sdc`   (exit 2)
├── mirror.*        files of two-sided flows                             (exit 2)
├── bundle.*        manifests, bundles, clearances                       (exit 3)
├── exchange_.*     tokens, rights, receipts, partners                   (exit 4, 5)
├── pull.*          what stops a pull on the puller's side
├── sdmx.*          contracts going out to, and coming in from, other standards
├── audit.*         findings, each with the party at fault               (exit 3)
├── audit_logs.*    findings about a log as such                          (exit 3)
├── audit_holders.* findings about members that hold others' figures      (exit 3)
├── evidence.*      evidence files of an audit                            (exit 3)
├── desk.*          candidates and cases at the clearing desk
├── officers.*      accounts, sessions and rights at desk and console     (exit 4)
├── node.*          stores, logs and keys of a running node
├── web.*           what the web side refuses for its form alone         (exit 2)
├── settings.*      settings, folders, command lines                     (exit 2)
└── demo.*          what the demonstration cannot start with

A leaf is raised with facts only; `sentence()` renders them. Facts never hold a cell's value, a person's name, a token
or key material. A house test walks the tree: codes are unique, every language names the same facts.
"""

from enum import IntEnum, StrEnum
from string import Formatter
from typing import ClassVar, Literal, TypeAlias

Fact: TypeAlias = str | int | float | None
Language: TypeAlias = Literal["en", "ru"]


class ExitCode(IntEnum):
    """What a command's exit tells its caller (DESIGN.md §11)."""

    FINE = 0
    ERROR = 1
    USAGE = 2
    DOES_NOT_HOLD = 3
    NOT_AUTHORISED = 4
    UNREACHABLE = 5
    CONTRACT_REFUSES = 6
    DISCLOSURE_BLOCKS = 7


class Side(StrEnum):
    """Whose act a refusal answers: who can mend it, and who is *not* accused by it."""

    CALLER = "caller"  # sent the request, called the command, or named the file
    AUTHOR = "author"  # wrote or signed the document that was read
    NODE = "node"  # the node that answers: its machine, settings and keys
    PARTNER = "partner"  # the other member's node, or the way to it
    PROVIDER = "provider"  # the member whose release it is
    PARTIES = "parties"  # of the contract
    REGISTRY = "registry"  # those who hold the registry's keys
    LOG = "log"  # the member whose log, proof or witness it is
    PARTY = "party"  # the member that a finding of the audit names


class ExchangeError(Exception):
    """The root: a refusal with a code, facts, and how to mend it.

    Subclasses set `code` (kebab-case, stable for ever), `side`, `exit_code`, `en` and `ru` (format strings over the
    facts), and `mend_en`/`mend_ru` (what the reader can do next). The docstring of a leaf is its cause: docs/errors/.
    """

    code: ClassVar[str] = "error"
    side: ClassVar[Side] = Side.CALLER
    exit_code: ClassVar[ExitCode] = ExitCode.ERROR
    en: ClassVar[str] = "the exchange refused"
    ru: ClassVar[str] = "обмен отклонён"
    mend_en: ClassVar[str] = ""
    mend_ru: ClassVar[str] = ""

    def __init__(self, **facts: Fact) -> None:
        missing = {name for _, name, _, _ in Formatter().parse(self.en) if name} - facts.keys()
        if missing:
            raise TypeError(f"{type(self).__name__} needs the facts {sorted(missing)}")
        super().__init__(facts)
        self.facts = facts

    def sentence(self, language: Language = "en") -> str:
        """The message for a person: subject, rule, expected, found."""
        return (self.ru if language == "ru" else self.en).format(**self.facts)

    def mend(self, language: Language = "en") -> str:
        """What the reader can do about it; empty if there is nothing."""
        return (self.mend_ru if language == "ru" else self.mend_en).format(**self.facts)

    def as_json(self, language: Language = "en") -> dict[str, object]:
        """The same for a program: code, facts, message, mend."""
        return {
            "code": self.code,
            "message": self.sentence(language),
            "mend": self.mend(language),
            "facts": self.facts,
        }

    def __str__(self) -> str:
        return self.sentence()
