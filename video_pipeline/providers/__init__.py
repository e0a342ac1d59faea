"""The plugins that come with the package, found by entry points as all others.

A vendor's library is imported in the methods that use it, so that a plugin can plan without it.
"""
