"""Items that no other adapter reads."""
