"""Seeded makers of training and test data: holes, artifacts, simulated metal. Knows images and physics only."""
