"""Preparation, search, selection and fitting of one recipe."""
