"""How a part of the soak prints, and how it says that it could not run."""


class Failed(Exception):
    """A part could not be run; the text says why, and what to do about it."""


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)
