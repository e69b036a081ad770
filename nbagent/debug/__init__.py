"""Runs taken apart: forks that go on from a point of another run, and runs compared with each
other.
"""
