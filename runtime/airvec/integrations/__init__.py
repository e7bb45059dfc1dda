"""Adapters for other libraries, one file each, under the library's name; the extra of that name brings the library.

Nothing in airvec imports them: whoever wants one imports its file.
Knows nothing of the libraries.
"""
