"""The auditor's pages: what the last audit found, from what it keeps; no figure is here or anywhere behind them."""
