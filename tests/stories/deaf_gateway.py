"""A gateway that hears no news: what a thief runs who has a member's machine and one of its keys.

`python -m tests.stories.deaf_gateway --node FOLDER serve` is `exchange --node FOLDER serve`, with the registry as it
lies there for ever: it asks nobody, and nobody's higher version moves it.
"""

import sys

from nodes.cli.main import main
from nodes.gateway import registry


async def nothing(*_: object, **__: object) -> None:
    """Hear nothing, and go on."""


if __name__ == "__main__":
    for heard in ("refresh", "hear", "meet"):
        setattr(registry.Registry, heard, nothing)
    sys.exit(main())
