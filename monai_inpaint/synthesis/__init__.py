"""Seeded makers of training and test data: holes, artifacts, metal, nodules, films around a finding."""
