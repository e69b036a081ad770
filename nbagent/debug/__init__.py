"""Runs that go on from a point of another one."""
