"""The environment of the bench, under `.venv/bench`: Panel installs an extension into JupyterLab
that no test should load.

`PYTHONPATH=tests python -m bench.environment` makes it, if it is missing. It imports nbagent from
the working tree.
"""

import environment

FOLDER = environment.ROOT / ".venv" / "bench"
PACKAGES = (
    "jupyterlab>=4.4",
    "playwright>=1.50",
    "psutil>=6.0",
    "nbformat>=5.10",
    "panel>=1.9",
    "markdown>=3.7",
    "pydantic-ai-slim[openai,ag-ui]>=2.60",
    "dspy>=3.4",
    "inspect-ai>=0.3.285",
    "pydantic-evals>=2.60",
    "sse-starlette>=3.0",
    "starlette>=1.0",
    "uvicorn>=0.35",
)


if __name__ == "__main__":
    environment.make(FOLDER, *PACKAGES)
    print(environment.python_of(FOLDER))
