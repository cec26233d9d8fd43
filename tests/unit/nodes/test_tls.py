"""TLS between nodes: 1.3 alone, names checked, callers without a certificate kept outside where the settings say so."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from starlette.responses import PlainTextResponse

from exchange.errors.settings import FileRefusedError
from exchange.errors.trust import PrivateKeyModeError
from nodes.adapters.outbound import direct
from nodes.adapters.tls_files import partner_context, server_context
from nodes.gateway.serve import GatewayServer, outward_config
from nodes.settings import NodeFolder, TlsSettings, parse_settings

TOML = """v = 1
member = "KZ"
[gateway]
issuer = "https://127.0.0.1:9"
port = 9
[gateway.tls]
certificate = "node.pem"
certificate_key = "node.key"
partner_authorities = "authority.pem"
{more}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A node's folder with an authority, and a certificate of it for 127.0.0.1."""
    folder = tmp_path_factory.mktemp("tls")
    authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    own = certificate("authority", authority, "authority", authority, ca=True)
    write(folder / "authority.pem", own)
    write(folder / "node.pem", certificate("node", key, "authority", authority, ca=False))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "node.key").write_bytes(private)
    (folder / "node.key").chmod(0o600)
    return folder


def certificate(
    name: str, key: ec.EllipticCurvePrivateKey, by: str, signer: ec.EllipticCurvePrivateKey, *, ca: bool
) -> x509.Certificate:
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, by)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
    )
    return built.sign(signer, SHA256())


def write(file: Path, certificate: x509.Certificate) -> None:
    file.write_bytes(certificate.public_bytes(Encoding.PEM))


@asynccontextmanager
async def listening(folder: Path, more: str = "") -> AsyncIterator[tuple[NodeFolder, int]]:
    """A server as `exchange serve` makes it, with a trivial application behind it."""
    node = NodeFolder(folder, parse_settings(TOML.format(more=more), file=folder / "node.toml"))
    server = GatewayServer(outward_config(PlainTextResponse("heard"), node))
    found = socket.create_server(("127.0.0.1", 0))
    task = asyncio.create_task(server.serve([found]))
    while not server.started:  # noqa: ASYNC110  # uvicorn sets no event
        await asyncio.sleep(0.01)
    try:
        yield node, found.getsockname()[1]
    finally:
        server.should_exit = server.force_exit = True
        await task


async def ask(context: ssl.SSLContext, port: int, host: str = "127.0.0.1") -> str:
    async with httpx.AsyncClient(transport=direct(context)) as client:
        return (await client.get(f"https://{host}:{port}/")).text


def own_tls(node: NodeFolder) -> TlsSettings:
    tls = node.settings.gateway.tls
    assert tls is not None
    return tls


async def test_a_partner_under_the_named_authority_is_heard(folder: Path) -> None:
    async with listening(folder) as (node, port):
        context = partner_context(folder, own_tls(node))
        assert context is not None
        assert await ask(context, port) == "heard"


@pytest.mark.asvs("V12.3.2")
async def test_a_partner_under_another_authority_or_name_is_not_believed(folder: Path) -> None:
    async with listening(folder) as (node, port):
        ours = partner_context(folder, own_tls(node))
        assert ours is not None
        for context, host in ((ssl.create_default_context(), "127.0.0.1"), (ours, "localhost")):
            with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                await ask(context, port, host)


@pytest.mark.asvs("V12.1.1", "V12.1.2")
async def test_tls_before_1_3_is_refused_on_both_sides(folder: Path) -> None:
    async with listening(folder) as (node, port):
        old = partner_context(folder, own_tls(node))
        assert old is not None
        assert old.minimum_version is ssl.TLSVersion.TLSv1_3
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2
        with pytest.raises(httpx.ConnectError):
            await ask(old, port)


@pytest.mark.asvs("V12.1.3")
async def test_with_an_outer_fence_only_certificates_of_the_named_authorities_come_through(folder: Path) -> None:
    async with listening(folder, 'client_authorities = "authority.pem"\n') as (node, port):
        with_certificate = partner_context(folder, own_tls(node))
        assert with_certificate is not None
        assert await ask(with_certificate, port) == "heard"
        without = ssl.create_default_context(cafile=str(folder / "authority.pem"))
        with pytest.raises(httpx.TransportError):
            await ask(without, port)


def test_a_key_that_others_can_read_is_no_key(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "node.key").write_bytes((folder / "node.key").read_bytes())
    (tmp_path / "node.key").chmod(0o644)
    with pytest.raises(PrivateKeyModeError):
        server_context(tmp_path, TlsSettings(certificate="node.pem", certificate_key="node.key"))


@pytest.mark.parametrize("certificate", ["absent.pem", "node.toml"])
def test_a_certificate_that_is_none_is_named(folder: Path, certificate: str) -> None:
    (folder / "node.toml").write_text("v = 1\n")
    with pytest.raises(FileRefusedError, match=certificate):
        server_context(folder, TlsSettings(certificate=certificate, certificate_key="node.key"))
