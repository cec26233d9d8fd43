"""A table as Parquet, for programs: codes, figures with all their decimals, flags; where it is from in its metadata.

Reading pyarrow costs 55 MB of memory, so only the download that is asked for imports this module.
"""

import io

import pyarrow as pa  # type: ignore[import-untyped]  # it has no stubs
import pyarrow.parquet as pq  # type: ignore[import-untyped]  # it has no stubs

from exchange.contract.model import DataContract
from exchange.table import SafeTable
from nodes.desk.sheet import table_rows

DIGITS_MAX = 28
"""Of a figure, its decimals included."""


def table_parquet(table: SafeTable, contract: DataContract, *, source: str) -> bytes:
    """One row group: a column for each dimension's code, TIME_PERIOD, OBS_VALUE (null where withheld), status, CELL.

    Args:
        table: Of a bundle.
        contract: Its contract.
        source: The bundle's digest.
    """
    rows = list(table_rows(table, contract))
    columns: dict[str, pa.Array] = {
        dimension.id: pa.array([row.key[place] for row in rows], pa.string())
        for place, dimension in enumerate(contract.dimensions)
    }
    columns["TIME_PERIOD"] = pa.array([table.period] * len(rows), pa.string())
    columns["OBS_VALUE"] = pa.array([row.now.figure for row in rows], pa.decimal128(DIGITS_MAX, contract.decimals))
    columns["STATUS"] = pa.array([row.now.status for row in rows], pa.string())
    columns["CELL"] = pa.array([row.now.kind.value for row in rows], pa.string())
    about = {
        "bundle": source,
        "provider": table.provider,
        "contract": f"{contract.id} {contract.version}",
        "contract_digest": str(contract.digest),
        "unit": contract.unit,
    }
    out = io.BytesIO()
    pq.write_table(pa.table(columns).replace_schema_metadata(about), out, compression="zstd")
    return out.getvalue()
