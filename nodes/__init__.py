"""The processes: what touches the world. One package per trust zone; `exchange/` never imports from here."""
