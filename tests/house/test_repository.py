"""What may lie in the repository, and what may not."""

import re
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
TOP = {
    "exchange", "nodes", "contracts", "keys", "tests", "docs", "docker-compose.yml", "pyproject.toml", "README.md",
    "Makefile", "requirements.lock", "LICENSE", "CHANGELOG.md", "SECURITY.md", "CONTRIBUTING.md",
}  # fmt: skip


def tracked() -> list[Path]:
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip("not a git checkout")
    return [ROOT / line for line in done.stdout.splitlines() if (ROOT / line).exists()]


def test_the_top_level_is_the_designs() -> None:
    top = {path.relative_to(ROOT).parts[0] for path in tracked()}
    assert {name for name in top if not name.startswith(".")} <= TOP


def test_no_private_key_lies_in_the_repository() -> None:
    secret = re.compile(rb"BEGIN (ENCRYPTED )?PRIVATE KEY|\"(d|priv|seed)\"\s*:\s*\"[A-Za-z0-9_-]{40,}\"")
    for path in tracked():
        if "tests/vectors" not in str(path):
            assert secret.search(path.read_bytes()) is None, path.name


def test_the_lock_has_names_versions_and_hashes_only() -> None:
    for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines():
        assert re.match(r"^([A-Za-z0-9._\[\]-]+==[^ ]+( ;[^\\]+)? ?\\?|    --hash=sha256:[0-9a-f]{64} ?\\?)$", line), (
            line
        )


def test_docker_compose_accepts_the_compose_file() -> None:
    try:
        done = subprocess.run(
            ["docker-compose", "-f", str(ROOT / "docker-compose.yml"), "config", "--quiet"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        pytest.skip("docker-compose is not installed")
    assert done.returncode == 0, done.stderr


def test_every_compose_service_is_locked_down() -> None:
    compose = YAML(typ="safe").load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    members = {"kz", "kg", "tj", "tm", "uz", "gb", "iom", "auditor"}
    assert set(compose["services"]) == members
    for service in compose["services"].values():
        assert service["read_only"] is True
        assert service["user"] == "10001:10001"
        assert service["cap_drop"] == ["ALL"]
        assert "healthcheck" in service
