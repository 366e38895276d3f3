"""Settings and the reference data that ships with the product; only entry points read it."""
