"""Settings: read once, at start, from the node's `node.toml` and a few environment variables; nobody else reads either.

A missing, unknown or out-of-range setting stops the process with its name. What the parties agreed is not here:
thresholds, recipients and periods are clauses of the signed contract.
"""

import os
import shlex
import tomllib
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from exchange.encoding import MEMBER_ID
from exchange.errors.settings import NodeNotFoundError, SettingsError
from exchange.log.entry import HEARTBEAT_S_MAX

SETTINGS_FILE = "node.toml"
NODE_FORMAT = 1
"""The number of node.toml's format; a newer one is refused."""


class _Section(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


def _require_ranges(texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in texts:
        ip_network(text)
    return texts


Members: TypeAlias = Annotated[
    tuple[Annotated[str, Field(pattern=MEMBER_ID.pattern.replace(r"\Z", "$"))], ...], Field(strict=False)
]
"""Members' ids."""
Ranges: TypeAlias = Annotated[tuple[str, ...], Field(strict=False), AfterValidator(_require_ranges)]
"""IP addresses or CIDR ranges."""


def _require_zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, OSError) as error:
        reason = "expected a time zone of the IANA database, such as Asia/Almaty"
        raise ValueError(reason) from error


Zone: TypeAlias = Annotated[str, AfterValidator(_require_zone)]
"""A time zone by its name in the IANA database."""


class LimitSettings(_Section):
    """What one caller, or all together, may cost this node before it says 429 or closes (decision 60)."""

    failures_per_s: float = Field(default=20.0, gt=0, le=10_000)  # of one address, unauthenticated, on average
    failures_burst: int = Field(default=1000, ge=1, le=1_000_000)
    failure_hold_ms: int = Field(default=200, ge=0, le=10_000)  # how long a 429 for failures is held back
    member_per_s: float = Field(default=2000.0, gt=0, le=100_000)  # requests of one member, on average
    member_burst: int = Field(default=4000, ge=1, le=1_000_000)
    member_in_flight_max: int = Field(default=128, ge=1, le=10_000)  # of one member's requests at once
    head_bytes_max: int = Field(default=32 * 1024, ge=4096, le=256 * 1024)
    head_fields_max: int = Field(default=64, ge=16, le=1000)
    request_s: float = Field(default=30.0, gt=0, le=600)  # within which a request must be there whole
    answer_s: float = Field(default=600.0, gt=0, le=7200)  # within which an answer must be taken
    connections_max: int = Field(default=2048, ge=8, le=100_000)
    connections_of_one_max: int = Field(default=512, ge=1, le=100_000)  # of one address


class TlsSettings(_Section):
    """The gateway's own TLS 1.3; paths are relative to the node's folder."""

    certificate: str  # PEM, with its chain
    certificate_key: str  # PEM, for its owner alone
    client_authorities: str | None = None  # PEM: only callers with a certificate of these connect, an outer fence
    partner_authorities: str | None = None  # PEM: partners' certificates must be of these, not of the public ones


class GatewaySettings(_Section):
    """Where the gateway listens, and every limit it keeps."""

    issuer: str = Field(pattern=r"^https?://[^/?#]+$")
    host: str = "127.0.0.1"
    port: int = Field(ge=1, le=65535)
    bundle_bytes_max: int = Field(default=32 * 1024 * 1024, gt=0, le=256 * 1024 * 1024)
    request_bytes_max: int = Field(default=64 * 1024, gt=0, le=1024 * 1024)
    token_life_s: int = Field(default=300, gt=0, le=300)
    assertion_life_s: int = Field(default=60, gt=0, le=60)
    dpop_age_s: int = Field(default=60, gt=0, le=300)
    clock_skew_s: int = Field(default=10, ge=0, le=60)
    partner_timeout_s: float = Field(default=10.0, gt=0, le=120)
    witness_timeout_s: float = Field(default=5.0, gt=0, le=60)
    witness_interval_s: float = Field(default=1.0, ge=0, le=60)  # between rounds nobody waits for
    witness_retry_s: float = Field(default=1.0, gt=0, le=600)
    publication_wait_s: float = Field(default=20.0, gt=0, le=600)
    heartbeat_s: int = Field(default=600, gt=0, le=HEARTBEAT_S_MAX)  # a log this long without an entry gets one
    uncosigned_red_s: int = Field(default=3600, gt=0, le=86400)
    uncosigned_stop_s: int = Field(default=86400, gt=0, le=7 * 86400)
    registry_refresh_s: float = Field(default=20.0, gt=0, le=30)  # a revocation holds everywhere within a minute
    registry_warn_days: int = Field(default=3, ge=1, le=30)  # before the registry here expires
    group_commit_max: int = Field(default=256, gt=0, le=4096)
    catalogue_page_max: int = Field(default=200, gt=0, le=1000)
    mirrors: Members = ()  # whose logs are held here besides those that an auditor's node holds: decision 50
    mirrored_by: Members = ()  # who may hold a copy of the own log besides the auditor: they see its entries
    private_addresses: bool = False  # partners on loopback or private ranges: test federations only
    hidden_answer_ms: int = Field(default=40, ge=0, le=1000)  # no 404 about a bundle comes earlier: decision 60
    limits: LimitSettings = LimitSettings()
    tls: TlsSettings | None = None  # none: TLS ends at a proxy, whose addresses are named below
    trusted_proxies: Ranges = ()  # addresses or CIDR ranges whose X-Forwarded-For counts
    xroad_security_servers: Ranges = ()  # addresses or CIDR ranges whose X-Road headers count


class PreparationSettings(_Section):
    """What the preparation zone may use of the machine."""

    memory_mb: int = Field(default=1024, ge=128, le=1024 * 1024)
    threads: int = Field(default=2, ge=1, le=256)
    bad_rows_max: int = Field(default=10_000, ge=1, le=1_000_000)


class IdentityProviderSettings(_Section):
    """The ministry's own OpenID Connect provider; all of it comes from here, nothing is discovered or fetched first."""

    issuer: str = Field(pattern=r"^https?://[^?#\s]+$", max_length=255)
    authorization_endpoint: str = Field(pattern=r"^https?://[^#\s]+$", max_length=512)
    token_endpoint: str = Field(pattern=r"^https?://[^#\s]+$", max_length=512)
    pushed_authorization_request_endpoint: str | None = Field(  # none: the request goes along with the browser
        default=None, pattern=r"^https?://[^#\s]+$", max_length=512
    )
    client_id: str = Field(min_length=1, max_length=255)
    client_secret_file: str | None = None  # relative to the node's folder; none: a public client, PKCE alone
    jwks_file: str  # the provider's public keys, relative to the node's folder
    algorithms: tuple[Literal["ES256", "PS256", "RS256", "Ed25519"], ...] = Field(default=("ES256",), min_length=1)
    scope: str = Field(default="openid", pattern=r"^openid( [\x21-\x7e]+)*$", max_length=255)
    acr: str | None = None  # asked for and required, where the provider has levels of authentication
    timeout_s: float = Field(default=10.0, gt=0, le=60)


class ConsoleSettings(_Section):
    """Where officers reach a desk or an auditor's console, and how long they stay signed in."""

    origin: str = Field(default="http://localhost:8600", pattern=r"^https?://[a-z0-9.-]+(:[0-9]{1,5})?$")
    host: str = "127.0.0.1"
    port: int = Field(default=8600, ge=1, le=65535)
    tls: TlsSettings | None = None  # none: TLS ends at a proxy on this machine
    zone: Zone = "UTC"  # pages show moments in UTC, and beside it in this zone
    request_bytes_max: int = Field(default=256 * 1024, gt=0, le=4 * 1024 * 1024)
    session_idle_s: int = Field(default=900, gt=0, le=3600)
    session_absolute_s: int = Field(default=8 * 3600, gt=0, le=12 * 3600)
    step_up_s: int = Field(default=300, gt=0, le=900)
    challenge_s: int = Field(default=120, gt=0, le=300)
    enrolment_s: int = Field(default=86400, gt=0, le=7 * 86400)
    failures_max: int = Field(default=10, gt=0, le=100)  # from one address, or for one name, before 429
    failure_recovery_s: int = Field(default=60, gt=0, le=3600)  # until one more is allowed
    trusted_proxies: Ranges = ()  # addresses or CIDR ranges whose X-Forwarded-For counts, for failures and the journal
    passwords: bool = False  # argon2id passwords beside passkeys: demonstrations only
    identity_provider: IdentityProviderSettings | None = None


class DeskSettings(ConsoleSettings):
    """Choices of the clearing desk within what contracts allow, and its officers' console."""

    clearance_valid_days: int = Field(default=30, ge=1, le=30)


class NodeSettings(_Section):
    """The whole of node.toml."""

    v: int
    member: str = Field(pattern=r"^[A-Z][A-Z0-9]{1,15}$")
    demo: bool = False  # throw-away keys without passphrase are accepted only here
    passphrase_file: str | None = None
    gateway: GatewaySettings
    preparation: PreparationSettings = PreparationSettings()
    desk: DeskSettings = DeskSettings()
    auditor: ConsoleSettings = ConsoleSettings(origin="http://localhost:8601", port=8601)


@dataclass(frozen=True, slots=True)
class NodeFolder:
    """A node's own folder: the only place it reads."""

    path: Path
    settings: NodeSettings
    called: str = ""  # what stood after --node, where a command opened it

    @property
    def asked(self) -> str:
        """What to write after `--node` to act for this node again: a sentence that says the next step uses it."""
        return shlex.quote(self.called or self.member.lower())

    @property
    def member(self) -> str:
        """The member this node belongs to, upper case."""
        return self.settings.member

    @property
    def contracts(self) -> Path:
        """Contract files, their statements and code lists."""
        return self.path / "contracts"

    @property
    def keys(self) -> Path:
        """The node's copy of the registry: metadata/ and targets/."""
        return self.path / "keys"

    @property
    def private(self) -> Path:
        """Private keys by zone: desk/, gateway/, preparation/."""
        return self.path / "private"

    @property
    def passphrase_file(self) -> Path | None:
        """Where the passphrase of the node's keys lies, if they have one; relative to the node's folder."""
        named = self.settings.passphrase_file
        return None if named is None else self.path / named

    @property
    def state_db(self) -> Path:
        """The gateway's state."""
        return self.path / "state.db"

    @property
    def bundles(self) -> Path:
        """Published bundles, one ZIP each."""
        return self.path / "bundles"

    @property
    def pulled(self) -> Path:
        """Bundles pulled from partners and verified, one folder each."""
        return self.path / "pulled"

    @property
    def log(self) -> Path:
        """The log as tlog-tiles files."""
        return self.path / "log"

    @property
    def mirror(self) -> Path:
        """Copies of all other logs, on the auditor's node; one folder for each, by the SHA-256 of its origin."""
        return self.path / "mirror"

    @property
    def log_vkey(self) -> Path:
        """The log's verifier key as one line."""
        return self.path / "log.vkey"

    @property
    def taken_back(self) -> Path:
        """Withdrawals of bundles that were pulled, by the bundle's digest."""
        return self.pulled / "withdrawn"

    @property
    def desk(self) -> Path:
        """Candidates, the desk's state and the ledger."""
        return self.path / "desk"

    @property
    def officers_db(self) -> Path:
        """Accounts and sessions of the desk's officers."""
        return self.path / "desk" / "accounts.db"

    @property
    def outbox(self) -> Path:
        """Hand-overs from the desk to the gateway, self-verifying files."""
        return self.path / "desk" / "outbox"

    @property
    def work(self) -> Path:
        """Scratch space of the preparation zone."""
        return self.path / "work"

    @property
    def socket(self) -> Path:
        """The gateway's local socket, for commands of the same node."""
        return self.path / "private" / "gateway.sock"


def open_node(folder: Path) -> NodeFolder:
    """Read `node.toml` of this folder.

    Raises:
        NodeNotFoundError: There is no node.toml.
        SettingsError: A setting is missing, unknown, or out of range; the error names it.
    """
    file = folder / SETTINGS_FILE
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise NodeNotFoundError(folder=str(folder)) from error
    except UnicodeDecodeError as error:
        raise SettingsError(file=str(file), setting="(file)", reason="not UTF-8") from error
    return NodeFolder(folder, parse_settings(text, file=file))


def parse_settings(text: str, *, file: Path) -> NodeSettings:
    """The settings in the text of a `node.toml`; `file` is named in refusals.

    Raises:
        SettingsError: A setting is missing, unknown, or out of range; the error names it.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(file=str(file), setting="(file)", reason=str(error)) from error
    found = document.get("v")
    if found != NODE_FORMAT:
        reason = f"this program reads format {NODE_FORMAT}, found {found}"
        raise SettingsError(file=str(file), setting="v", reason=reason)
    try:
        return NodeSettings.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        setting = ".".join(str(part) for part in first["loc"])
        raise SettingsError(file=str(file), setting=setting, reason=first["msg"]) from error


def exchange_home() -> Path:
    """Where `--node NAME` looks for the folder of that node: EXCHANGE_HOME, else `.demo` here."""
    return Path(os.environ.get("EXCHANGE_HOME") or ".demo")


def language_of_environment() -> str:
    """`ru` if the environment's locale is Russian, else `en`."""
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "ru" if locale.startswith("ru") else "en"


def uk_returns_table() -> Path | None:
    """GB's register in the demo: EXCHANGE_UK_RETURNS, else the table beside the checkout; None if it is not at hand."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data" / "uk-returns" / "returns_2004_2018.parquet"
    named = os.environ.get("EXCHANGE_UK_RETURNS")
    table = Path(named) if named is not None else beside
    return table if table.is_file() else None
