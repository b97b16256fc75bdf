"""The physics of X-ray CT: projections, attenuation, what a scanner measures."""
