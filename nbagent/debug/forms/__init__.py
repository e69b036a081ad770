"""What models are told, in the forms of other frameworks."""
