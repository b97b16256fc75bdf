"""Metal in CT and MR: find it, take its artifacts out, put it back. Research use only.

Import what you need from its module, so that importing this package costs nothing.
"""
