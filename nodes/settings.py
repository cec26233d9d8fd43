"""Settings: read once, at start, from the node's `node.toml` and a few environment variables; nobody else reads either.

A missing, unknown or out-of-range setting stops the process with its name. What the parties agreed is not here:
thresholds, recipients and periods are clauses of the signed contract.
"""

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from exchange.errors.settings import NodeNotFoundError, SettingsError
from exchange.log.entry import HEARTBEAT_S_MAX

SETTINGS_FILE = "node.toml"
NODE_FORMAT = 1
"""The number of node.toml's format; a newer one is refused."""


class _Section(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


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
    private_addresses: bool = False  # partners on loopback or private ranges: test federations only


class PreparationSettings(_Section):
    """What the preparation zone may use of the machine."""

    memory_mb: int = Field(default=1024, ge=128, le=1024 * 1024)
    threads: int = Field(default=2, ge=1, le=256)
    bad_rows_max: int = Field(default=10_000, ge=1, le=1_000_000)


class DeskSettings(_Section):
    """Choices of the clearing desk within what contracts allow."""

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


@dataclass(frozen=True, slots=True)
class NodeFolder:
    """A node's own folder: the only place it reads."""

    path: Path
    settings: NodeSettings

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
    def desk(self) -> Path:
        """Candidates, the desk's state and the ledger."""
        return self.path / "desk"

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
