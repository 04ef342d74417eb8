"""Answers over HTTP: the predictor, its champion, its log, keys and limits; no adapter is known here."""
