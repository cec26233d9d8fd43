"""Every leaf of the tree of errors, for pages about them and for tests that walk it."""

import importlib
import pkgutil

import exchange.errors
from exchange.errors import ExchangeError


def every_leaf() -> tuple[type[ExchangeError], ...]:
    """All errors that can be raised, in the order of their codes."""
    for module in pkgutil.iter_modules(exchange.errors.__path__):
        importlib.import_module(f"{exchange.errors.__name__}.{module.name}")
    return tuple(sorted(_below(ExchangeError), key=lambda leaf: leaf.code))


def _below(error: type[ExchangeError]) -> list[type[ExchangeError]]:
    # Only the core's own: what a program derives from a leaf to carry more facts is not another error.
    children = [child for child in error.__subclasses__() if child.__module__.startswith(exchange.errors.__name__)]
    return [leaf for child in children for leaf in _below(child)] if children else [error]
