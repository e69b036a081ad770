"""Runs each environment's tests in it: `PYTHONPATH=tests python -m frameworks [pytest's
arguments]`. Fails if any fails.
"""

import subprocess
import sys

import environment
from frameworks.environments import ENVIRONMENTS, TESTS, folder

if __name__ == "__main__":
    results = {
        name: subprocess.run(
            [environment.python_of(folder() / name), "-m", "pytest", TESTS, *sys.argv[1:]]
        ).returncode
        for name in ENVIRONMENTS
    }
    failed = [name for name, code in results.items() if code]
    sys.exit(f"Failed in: {', '.join(failed)}" if failed else 0)
