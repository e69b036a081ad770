"""The contract between kernel, view and documents: messages, ops, block props, and the limits they keep."""
