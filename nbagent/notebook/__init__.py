"""Runs in a notebook: the widget, its cell in Jupyter or marimo, and the static copy that the saved
file keeps.
"""
