"""The console's pages: what desk and auditor share to show something to a person."""
