"""`python -m nodes.cli` is the program `exchange`."""

import signal
import sys

from nodes.cli.main import main

# A supervisor's SIGTERM ends a command as Ctrl-C does: what it started is stopped, what it began is undone.
signal.signal(signal.SIGTERM, signal.default_int_handler)
sys.exit(main())
