"""Custody: the offline place where a member makes keys and signs the registry; on no node, with no network."""
