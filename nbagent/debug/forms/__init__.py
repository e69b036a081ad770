"""Messages for models, in the forms of other frameworks."""
