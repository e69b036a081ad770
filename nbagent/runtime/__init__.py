"""Event loops, threads and interrupts."""
