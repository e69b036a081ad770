"""Tools: functions that a model may call, their schemas, and what their docstrings say."""
