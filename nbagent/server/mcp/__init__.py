"""Served agents as the tools of an MCP server."""
