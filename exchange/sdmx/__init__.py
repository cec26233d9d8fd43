"""SDMX: the structure that a contract's data have, and the one spelling of the table that leaves."""
