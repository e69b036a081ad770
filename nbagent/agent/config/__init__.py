"""Agents from a configuration file."""
