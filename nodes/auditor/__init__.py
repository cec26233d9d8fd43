"""IOM's process: logs, signatures, and every file of a bundle except data.csv."""
