"""What comes behind a body, inside its graph: one file a kind of head.

Knows nothing of files and of the runtime.
"""
