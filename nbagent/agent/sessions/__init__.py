"""Conversations that go on: their stores, and what the model is sent of them."""
