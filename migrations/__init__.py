"""Numbered changes of the database schema; data is loaded elsewhere."""
