"""Vocabulary that every Usher domain shares; nothing here does input or output."""
