"""The heart: choose the windows that touch the hole, fill them, and compose the result."""
