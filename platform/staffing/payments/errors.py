"""What can go wrong with payments, for people."""

from staffing.errors import Conflict, Invalid


class NoSavedMethod(Conflict):
    """There is no saved way to pay that could be charged. The facility saves one in its portal."""

    title = "No saved way to pay"


class MethodInUse(Conflict):
    """This way to pay is charged automatically. Choose another one, or have the agency end automatic payment first."""

    title = "This is charged automatically"


class NotParked(Conflict):
    """Nothing is held back for this facility any more."""

    title = "Nothing is held back"


class NoSuchChoice(Invalid):
    """Choose one of the ways offered."""
