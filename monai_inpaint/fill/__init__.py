"""The heart: which windows touch the hole, filling them, and composing the result."""
