"""Data contracts: what every party signed. `model` holds the types, `parse` reads the file and checks its clauses."""
