"""`python -m nbagent`: the command line."""

import sys

from nbagent.cli import main

if __name__ == "__main__":
    sys.exit(main())
