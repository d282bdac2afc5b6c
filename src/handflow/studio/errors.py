"""What goes wrong in the studio, with a code by which its page says it in the person's language."""

from typing import Any

from handflow.errors import HandflowError


class StudioError(HandflowError):
    """Something that the person at the page can mend.

    Args:
        code: names it for the page.
        message: one line in English, with the value and the remedy.
        status: of the HTTP answer.
        values: what the page needs to say it in another language.
    """

    def __init__(self, code: str, message: str, status: int = 409, **values: Any) -> None:
        super().__init__(message)
        self.code, self.status, self.values = code, status, values


def absent(what: str, name: str) -> StudioError:
    """There is no such thing (any more)."""
    return StudioError("absent", f"there is no {what} '{name}': reload the page", 404, what=what, name=name)


def code_of(error: Exception) -> str:
    """The code of an error that has none of its own: the kind it is of; "disk" where the disk says no."""
    return "disk" if isinstance(error, OSError) else type(error).__name__.removesuffix("Error").lower()


def told(error: Exception, code: str = "") -> dict[str, Any]:
    """What a page is told of an error over its socket; `code` names one that has no name of its own."""
    values: dict[str, Any] = {}
    if isinstance(error, StudioError):
        code, values = error.code, error.values
    return {"type": "error", "code": code or code_of(error), "message": str(error), "values": values}
