"""The tests; a package, so that they can share `tests.checkpoint` and the house rules by name."""
