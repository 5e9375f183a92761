"""What can go wrong with a contract, one class per happening."""

from staffing.errors import Conflict


class ContractUnreadable(Conflict):
    """The contract that is stored contradicts itself; nothing can be priced until it is agreed anew."""

    title = "This contract cannot be read"
