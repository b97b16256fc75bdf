"""Fill a hole: choose the windows that touch it, run the network, draw samples, and compose the result."""
