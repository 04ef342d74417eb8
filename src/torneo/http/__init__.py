"""The HTTP surface of served projects."""
