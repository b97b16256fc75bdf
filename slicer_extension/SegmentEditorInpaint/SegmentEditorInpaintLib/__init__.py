"""The effect of the Segment Editor."""
