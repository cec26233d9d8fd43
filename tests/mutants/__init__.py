"""Mutation tests: one small change of the code at a time, which some test must notice (docs/mutation.md)."""
