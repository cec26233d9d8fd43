"""The error tree keeps its promises: one code, one sentence in each language, the same facts."""

import importlib
import pkgutil
from string import Formatter

import exchange.errors
from exchange.errors import ExchangeError


def leaves() -> list[type[ExchangeError]]:
    for module in pkgutil.iter_modules(exchange.errors.__path__):
        importlib.import_module(f"exchange.errors.{module.name}")

    def below(error: type[ExchangeError]) -> list[type[ExchangeError]]:
        children = [c for c in error.__subclasses__() if c.__module__.startswith("exchange.errors.")]
        return [leaf for child in children for leaf in below(child)] if children else [error]

    return below(ExchangeError)


def facts(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


def test_every_error_code_belongs_to_one_error() -> None:
    codes = [leaf.code for leaf in leaves()]
    assert sorted(codes) == sorted(set(codes))


def test_every_error_has_a_name_of_its_own() -> None:
    names = [leaf.__name__ for leaf in leaves()]
    assert sorted(names) == sorted(set(names))


def test_every_error_speaks_both_languages_and_names_the_same_facts() -> None:
    for leaf in leaves():
        assert leaf.en != ExchangeError.en, leaf.__name__
        assert leaf.ru != ExchangeError.ru, leaf.__name__
        assert facts(leaf.en) == facts(leaf.ru), leaf.__name__
        assert bool(leaf.mend_en) == bool(leaf.mend_ru), leaf.__name__
        assert facts(leaf.mend_en) == facts(leaf.mend_ru), leaf.__name__


def test_a_mend_needs_no_fact_that_the_sentence_does_not_give() -> None:
    for leaf in leaves():
        optional = facts(leaf.mend_en) - facts(leaf.en)
        assert optional <= {"node", "file", "command", "mend"}, (leaf.__name__, optional)


def test_every_russian_sentence_is_russian() -> None:
    for leaf in leaves():
        template = "".join(literal for literal, *_ in Formatter().parse(leaf.ru))
        if sum(letter.isalpha() for letter in template.replace("data.csv", "")) > 3:
            assert any("а" <= letter.lower() <= "я" for letter in template), leaf.__name__
