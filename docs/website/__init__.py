"""The documentation's site: `python -m website FOLDER` builds it, offline."""
