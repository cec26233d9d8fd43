"""The clearing desk: officers' actions, candidates, clearances, the disclosure ledger, bundle and contract keys."""
