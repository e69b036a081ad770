"""Pure decoders of bytes on a wire."""
