"""A transcript as a document: static HTML, Markdown, JSON, Python. Blocks in, text out."""
