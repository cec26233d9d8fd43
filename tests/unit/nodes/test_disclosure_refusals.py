"""What a refusal for disclosure tells its reader to do next."""

import pytest

from exchange.errors.disclosure import DisclosureError, NoSafePatternError, PoolComputesError, UnsafeTableError
from nodes.cli.table import COMMANDS

FACTS = {"contract": "CA-07-EXPULSIONS-BANS", "period": "2018-Q4", "cell": "LEFT.FR", "reason": "-", "chain": "-"}


@pytest.mark.parametrize(
    "refusal",
    [
        UnsafeTableError(**FACTS, exposed=1, withheld=9),
        NoSafePatternError(**FACTS),
        PoolComputesError(**FACTS),
    ],
    ids=lambda refusal: refusal.code,
)
def test_a_refusal_names_the_command_that_tells_what_each_breakdown_costs(refusal: DisclosureError) -> None:
    command = "exchange bundle advise CA-07-EXPULSIONS-BANS 2018-Q4 --from FILE --mapping MAP.toml"
    assert command in refusal.mend("en")
    assert command in refusal.mend("ru")


def test_that_command_exists() -> None:
    assert "bundle advise" in {row.words for row in COMMANDS}
