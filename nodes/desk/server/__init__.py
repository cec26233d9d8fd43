"""The desk's JSON interface for its officers: thin routes over the same functions as the desk's commands."""
