"""A TUF client that nobody here wrote (tuf-js, as npm uses it) reads our registry, and refuses what we refuse."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from exchange.encoding import Digest
from exchange.flow import ceremony, ceremony_offices
from exchange.signing.authoring import TIMESTAMP_LIFE, target_file, write_timestamp
from exchange.signing.keys import KeyPurpose, RegistryRole
from tests.stories.federation import ROOT
from tests.unit.core.test_ceremony import with_tm
from tests.world.ceremonies import FIVE, Living
from tests.world.clock import StillClock
from tests.world.federation import found

pytestmark = pytest.mark.story

READER = ROOT / "tests" / "interop" / "read_registry.cjs"
MODULES = ROOT / ".venv-interop" / "tuf" / "node_modules"
WAIT_S = 60
MEMBERS = (*FIVE, "TM")
FILES = ("federation.json", *(f"members/{member.lower()}/keys.json" for member in MEMBERS), "policy/kz.tlog-policy")


@pytest.fixture(scope="module", autouse=True)
def client() -> None:
    if shutil.which("node") is None or not (MODULES / "tuf-js").is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail("needs node and tuf-js: make .venv-interop/.installed")
        pytest.skip("needs node and tuf-js: make .venv-interop/.installed")


def lived(folder: Path, *, ago: timedelta = timedelta()) -> Living:
    """A registry with a past: a sixth member, a key rotated, one revoked, another root key, another auditor."""
    now = datetime.now(UTC).replace(microsecond=0) - ago
    living = Living(found(folder, StillClock(now - timedelta(hours=2)), FIVE), at=now - timedelta(hours=1))
    with_tm(living)
    overlap = timedelta(hours=1)
    rotation = ceremony.rotate_keys(living.base, living.applies("KZ", KeyPurpose.BUNDLE), overlap=overlap, at=living.at)
    living.decide(rotation, living.pair("KZ"))
    kids = [key.kid for key in living.trust.keys("KG", KeyPurpose.TRANSPORT, at=living.at)]
    living.decide(ceremony.revoke_keys(living.base, "KG", kids, at=living.at), living.pair("KG"))
    new_root = ceremony_offices.replace_holder(living.base, living.applies("UZ", RegistryRole.ROOT), at=living.at)
    living.decide(new_root, living.signers("root", FIVE[:3]) + living.signers("root", ("TM",)))
    auditor = ceremony_offices.change_auditor(living.base, "KZ", at=living.at)
    living.decide(auditor, living.signers("targets", FIVE[:4]))
    return living


@pytest.fixture(scope="module")
def living(tmp_path_factory: pytest.TempPathFactory) -> Living:
    return lived(tmp_path_factory.mktemp("federation"))


@contextmanager
def served(files: dict[str, bytes], folder: Path) -> Iterator[str]:
    """The registry over HTTP on loopback, as any web server would serve its folder."""
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


def read(files: dict[str, bytes], folder: Path) -> dict[str, Any]:
    """What tuf-js makes of these files, starting from the first root alone."""
    own = folder / "client"
    for name in ("metadata", "targets"):
        (own / name).mkdir(parents=True, exist_ok=True)
    if not (own / "metadata" / "root.json").exists():
        (own / "metadata" / "root.json").write_bytes(files["metadata/1.root.json"])
    with served(files, folder / "server") as address:
        done = subprocess.run(
            ["node", str(READER), str(MODULES), address, str(own), *FILES],
            capture_output=True, text=True, timeout=WAIT_S, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_it_reads_every_file_that_we_read_and_follows_every_root(living: Living, tmp_path: Path) -> None:
    base = living.base
    ours = {**base.targets, **{path: raw for one in base.delegations for path, raw in one.targets.items()}}
    answer = read(living.files, tmp_path)
    assert answer == {"root": base.root.version, "files": {path: Digest.of(ours[path]).hex for path in FILES}}
    assert answer["root"] == 3  # founded, a sixth member, another root key


def flipped(raw: bytes) -> bytes:
    return raw[:-20] + bytes([raw[-20] ^ 1]) + raw[-19:]


def tampered_target(living: Living) -> dict[str, bytes]:
    path = target_file("federation.json", living.base.targets["federation.json"])
    return {**living.files, path: flipped(living.files[path])}


def tampered_snapshot(living: Living) -> dict[str, bytes]:
    path = f"metadata/{living.base.snapshot.version}.snapshot.json"
    return {**living.files, path: flipped(living.files[path])}


def timestamp_by_a_stranger(living: Living) -> dict[str, bytes]:
    document = json.loads(living.files["metadata/timestamp.json"])
    for signature in document["signatures"]:
        signature["sig"] = "00" * 64
    return {**living.files, "metadata/timestamp.json": json.dumps(document).encode()}


def root_by_too_few(living: Living) -> dict[str, bytes]:
    version = living.base.root.version
    document = json.loads(living.files[f"metadata/{version}.root.json"])
    document["signatures"] = document["signatures"][:2]
    return {**living.files, f"metadata/{version}.root.json": json.dumps(document).encode()}


def the_state_before(living: Living) -> dict[str, bytes]:
    """The last snapshot but one, under a timestamp that was good then."""
    version = living.base.snapshot.version - 1
    timestamp = write_timestamp(
        version=living.base.timestamp.version - 1,
        expires=living.at + TIMESTAMP_LIFE,
        snapshot=(version, living.files[f"metadata/{version}.snapshot.json"]),
        signers=[living.key("IOM", "timestamp")],
    )
    return {**living.files, "metadata/timestamp.json": timestamp}


@pytest.mark.parametrize(
    ("altered", "refusal"),
    [
        pytest.param(tampered_target, "LengthOrHashMismatchError", id="a file with a byte changed"),
        pytest.param(tampered_snapshot, "Unable to load snapshot", id="a snapshot with a byte changed"),
        pytest.param(timestamp_by_a_stranger, "UnsignedMetadataError", id="a timestamp that nobody signed"),
        pytest.param(root_by_too_few, "UnsignedMetadataError", id="a root with too few signatures"),
    ],
)
def test_it_refuses_what_is_not_as_it_was_signed(
    living: Living, altered: Callable[[Living], dict[str, bytes]], refusal: str, tmp_path: Path
) -> None:
    answer = read(altered(living), tmp_path)
    assert refusal in f"{answer['refused']}: {answer['message']}"


def test_it_refuses_a_state_older_than_one_it_knows(living: Living, tmp_path: Path) -> None:
    assert "files" in read(living.files, tmp_path)
    assert read(the_state_before(living), tmp_path)["refused"] == "BadVersionError"


def test_it_refuses_a_registry_that_nobody_renewed(tmp_path: Path) -> None:
    eight_days = lived(tmp_path / "federation", ago=timedelta(days=8))
    assert read(eight_days.files, tmp_path)["refused"] == "ExpiredMetadataError"
