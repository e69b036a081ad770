"""Four renderers of a transcript: static HTML, Markdown, messages, console."""
