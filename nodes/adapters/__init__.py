"""Ports made real: SQLModel stores, tile files, key files, partner client, clock."""
