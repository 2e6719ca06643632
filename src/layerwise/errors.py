"""The exception for errors of the user's, which the command line reports in one line."""

from __future__ import annotations


class UserError(ValueError):
    """Input that cannot be used. The command line prints the message alone; any other exception is a bug of ours.

    Line breaks in ``message``, which quoted messages may contain, become spaces.
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(line.strip() for line in message.splitlines()))
