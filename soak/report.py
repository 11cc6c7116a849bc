"""What a part says, and how it says that it could not measure."""


class Failed(Exception):
    """The part could not be carried out; the text says why, and what to do about it."""


def say(text: str) -> None:
    print(text, flush=True)
