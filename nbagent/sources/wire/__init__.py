"""Decoders from bytes to items, without I/O."""
