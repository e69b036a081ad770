"""Markdown and foreign HTML to HTML that is safe to keep in a notebook: nothing in it runs, nothing
in it loads.
"""
