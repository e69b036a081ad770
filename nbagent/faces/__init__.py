"""What draws a transcript: the widget, the console."""
