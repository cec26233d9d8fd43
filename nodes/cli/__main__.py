"""`python -m nodes.cli` is the program `exchange`."""

import sys

from nodes.cli.main import main

sys.exit(main())
