"""What is fuzzed: a parser with documents that it accepts, and what must hold for whatever it is given."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import process_time

from exchange.encoding import canonical_json
from exchange.errors import ExchangeError

PARSE_S_MAX = 10.0
"""Seconds of CPU: far above any honest document, far below what a quadratic reader takes for 60 KB of brackets."""


@dataclass(frozen=True)
class Target:
    """One parser.

    Attributes:
        name: Of the format.
        read: The parser; what it returns is only written again.
        seeds: Documents of the format, as other parts of the exchange write them.
        write: The formatter beside the parser; None where reading does not keep all bytes.
        rate: Parses a second, roughly: slow ones get fewer examples in `make test`.
    """

    name: str
    read: Callable[[bytes], object]
    seeds: Sequence[bytes]
    write: Callable[[object], bytes] | None = None
    rate: int = 1000

    def check(self, raw: bytes) -> bool:
        """Whether these bytes were accepted; a refusal is one of ours and can be told in any way it may be told."""
        began = process_time()
        try:
            value = self.read(raw)
        except ExchangeError as refusal:
            require_tellable(refusal)
            return False
        finally:
            assert process_time() - began < PARSE_S_MAX
        if self.write is not None:
            assert self.write(value) == raw
        return True


def require_tellable(refusal: ExchangeError) -> None:
    """Both sentences, the mend and the problem's JSON can be made: a refusal must not fail where it is answered."""
    for language in ("en", "ru"):
        refusal.sentence(language).encode()
        refusal.mend(language).encode()
    canonical_json(refusal.as_json())
