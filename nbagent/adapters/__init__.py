"""One folder per system: its items to our events (`decoder`), and our events to its items (`encoder`)."""
