"""Items that no other adapter recognises."""
