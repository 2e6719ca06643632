"""The exception for user errors, which the command line reports in one line."""

from __future__ import annotations


class UserError(ValueError):
    """Raised for input that cannot be used. The command line prints only its message; other exceptions are bugs.

    Line breaks in ``message``, which quoted messages may contain, become spaces.
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(line.strip() for line in message.splitlines()))
