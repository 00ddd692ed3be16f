"""
The way of one tap: which app opens a URL on each system, or why none does.

``papers`` is what hosts publish, ``systems`` who reads it, ``answers`` what comes of it.
"""
