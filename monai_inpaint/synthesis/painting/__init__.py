"""Generate a part of a chest film: everything around a finding, or a finding (LINOP)."""
