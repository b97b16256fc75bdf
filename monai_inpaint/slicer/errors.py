"""The one exception for what the user can put right."""


class InpaintError(Exception):
    """One clear sentence: names what is at fault and says what to do."""
