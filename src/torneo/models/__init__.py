"""One family of models, one file."""
