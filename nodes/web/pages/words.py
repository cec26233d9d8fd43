"""Sentences of the catalogue that stand in code, not in a template."""


def sentence(text: str) -> str:
    """Mark a sentence for the catalogue; the template that shows it translates it."""
    return text
