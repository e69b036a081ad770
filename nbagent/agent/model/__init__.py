"""The connection to a model: what it is sent, what it answers, and answers from a recording."""
