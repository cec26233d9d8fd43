"""A federation of real processes on one machine, with throw-away keys and synthetic registers."""
