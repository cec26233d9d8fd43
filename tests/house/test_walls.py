"""The walls between the trust zones hold in a running interpreter too, not only in the import graph."""

import subprocess
import sys

import pytest


def loaded_after(imports: str) -> set[str]:
    code = f"import sys\nimport {imports}\nprint('\\n'.join(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in done.stdout.splitlines()} | set(done.stdout.splitlines())


@pytest.mark.parametrize(
    ("process", "absent"),
    [
        pytest.param(
            "nodes.gateway.main", {"duckdb", "nodes.preparation", "pysdmx", "lxml"}, id="the gateway never loads DuckDB"
        ),
        pytest.param(
            "nodes.desk.bundle_commands",
            {"duckdb", "nodes.preparation", "highspy", "exchange.disclosure"},
            id="the desk loads neither DuckDB nor the solver",
        ),
        pytest.param(
            "nodes.desk.main",
            {"duckdb", "nodes.preparation", "highspy", "exchange.disclosure"},
            id="nor does its console, where both sides of a flow are compared",
        ),
        pytest.param(
            "nodes.auditor.commands",
            {"duckdb", "exchange.table", "exchange.sdmx", "exchange.bundle", "pysdmx", "lxml"},
            id="the auditor never loads a table",
        ),
        pytest.param(
            "nodes.custody.key_commands",
            {"fastapi", "httpx", "uvicorn", "sqlmodel", "duckdb", "nodes.gateway", "nodes.desk"},
            id="custody has no network and no database",
        ),
        pytest.param(
            "nodes.preparation.commands",
            {"fastapi", "httpx", "uvicorn", "pysdmx", "lxml"},
            id="preparation has no network",
        ),
        pytest.param(
            "exchange.__main__",
            {"fastapi", "sqlmodel", "httpx", "duckdb", "pysdmx", "lxml"},
            id="verification is the core alone",
        ),
    ],
)
@pytest.mark.asvs("V11.7.2")
def test_a_process_loads_only_its_own_zone(process: str, absent: set[str]) -> None:
    assert loaded_after(process) & absent == set()
