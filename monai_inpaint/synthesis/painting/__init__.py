"""Draw a part of a chest film anew: all but a finding, or a finding (LINOP)."""
