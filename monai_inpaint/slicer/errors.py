"""The one exception for what the user can put right."""


class InpaintError(Exception):
    """One clear sentence that names the cause and says what to do."""
