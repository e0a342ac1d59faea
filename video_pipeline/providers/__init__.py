"""The plugins that come along, one a file, with what only they need beside them.

They enter by the same door as strangers': entry points. A vendor's library is imported inside
the methods that use it, so that a plugin can be named, planned and refused without it.
"""
