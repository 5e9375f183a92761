"""What can go wrong, one class per happening. `staffing.web.errors` turns each into a page in one place.

A message is a whole sentence for the person at the screen: what happened and what to do now.
"""


class ReliefError(Exception):
    """Base of every expected failure. `status` is the HTTP status the web answers with."""

    status = 500
    title = "Something went wrong"

    def __init__(self, message: str = "") -> None:
        super().__init__(message or type(self).__doc__ or self.title)

    @property
    def message(self) -> str:
        return str(self.args[0])


class NotFound(ReliefError):
    """There is nothing at this address, or it is not yours to see."""

    status = 404
    title = "Nothing here"


class NotSignedIn(ReliefError):
    """Please sign in to go on."""

    status = 401
    title = "Please sign in"


class NotAllowed(ReliefError):
    """Your account may not do this."""

    status = 403
    title = "Not allowed"


class ForgedRequest(ReliefError):
    """This form came from another page or has grown old. Open the page again and send it once more."""

    status = 403
    title = "The form has grown old"


class Conflict(ReliefError):
    """Somebody else was faster: what you saw has changed since."""

    status = 409
    title = "This changed while you were looking"


class Invalid(ReliefError):
    """What was sent cannot be accepted; `fields` names each field and its reason."""

    status = 422
    title = "Please look again"

    def __init__(self, message: str = "", **fields: str) -> None:
        super().__init__(message or "; ".join(fields.values()))
        self.fields = fields


class TooManyAttempts(ReliefError):
    """Too many tries. Wait a while, then try again."""

    status = 429
    title = "Too many tries"


class Unavailable(ReliefError):
    """A part of the system cannot be reached right now. Nothing was lost; try again in a moment."""

    status = 503
    title = "Back in a moment"
