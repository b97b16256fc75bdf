"""The image, its geometry, and pure tools on it; knows no other room."""
