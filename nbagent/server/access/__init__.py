"""Who may ask a server, and for how much."""
