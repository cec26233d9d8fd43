"""The zone that reads micro-data. It opens no connection and writes release candidates only."""
