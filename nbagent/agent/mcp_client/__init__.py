"""Tools of MCP servers, for an agent."""
