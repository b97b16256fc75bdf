"""The image, its geometry, and pure functions on it; imports no other room."""
