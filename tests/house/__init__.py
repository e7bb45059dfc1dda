"""The house style as tests: each rule runs over our sources, and over a bad example that it must catch."""
