"""Names and labels that people read beside others: what prints, in one form, and looks like no other."""

import unicodedata

from exchange.errors.node import RequestMalformedError

WORDS_CHARS_MAX = 80


def require_words(text: str, *, subject: str) -> None:
    """Refuse words that a reader of the accounts or the journal could not tell from others.

    Nothing that does not print (a mark that turns the direction of writing hides what stands beside it), one form of
    each letter, no blanks at the ends.

    Raises:
        RequestMalformedError: With the rule.
    """
    held = 0 < len(text) <= WORDS_CHARS_MAX and text.isprintable() and text == text.strip()
    if not held or not unicodedata.is_normalized("NFC", text):
        reason = f"1 to {WORDS_CHARS_MAX} characters that print, in Unicode's form NFC, no blank at either end"
        raise RequestMalformedError(subject=subject, reason=reason)


def looks(name: str) -> str:
    """What a reader sees of a name: without case, width, ligatures and the number of blanks."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
