"""Simulate metal in a clean CT: shapes of implants, and the scan of them."""
