"""The status/token vocabulary of FastAPI tutorials."""
