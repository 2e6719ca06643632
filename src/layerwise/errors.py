"""The one kind of error that is the user's: said in one line, with the cure."""

from __future__ import annotations


class UserError(ValueError):
    """Input that cannot be used. The command line prints its message alone; any other exception is a bug of ours.

    Parameters
    ----------
    message : str
        What is wrong and what to do; line breaks, which quoted messages may hold, become spaces.
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(line.strip() for line in message.splitlines()))
