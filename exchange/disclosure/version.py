"""Which program protects a table, as reports state it."""

ENGINE = ("exchange.disclosure", "2")
"""Name and number; the number rises when one input can give another pattern."""
