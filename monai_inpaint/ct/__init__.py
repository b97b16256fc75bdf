"""Physics of X-ray CT: projections, attenuation, forward model of a scanner."""
