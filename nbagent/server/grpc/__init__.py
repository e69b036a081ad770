"""Served agents over gRPC."""
