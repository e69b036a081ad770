"""The endpoints of a server: one file for each system whose clients it answers."""
