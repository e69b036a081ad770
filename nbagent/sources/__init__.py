"""Sources of items: Python objects, and services by their addresses."""
