"""Relief after a call-off: who takes the lost windows, with whom else moving, and what each way is worth.

    relief = relief_options(problem, plan, CallOff("ana", from_instant))
    for lost in relief.items:
        print(lost.windows, [(option.people, option.effect) for option in lost.options])
    after = apply_option(problem, plan, relief.items[0].options[0])     # keeps every rule of relief.problem

Pure functions of values; only the combined options load the solver's library.
"""

from matching.relief.after import CHANGE_PRICE, AfterCallOff, after_call_off
from matching.relief.ranking import apply_option, relief_options
from matching.relief.relief_json import relief_to_json
from matching.relief.values import CallOff, Counts, LostItem, Move, OptionKind, Relief, ReliefOption

__all__ = [
    "CHANGE_PRICE",
    "AfterCallOff",
    "CallOff",
    "Counts",
    "LostItem",
    "Move",
    "OptionKind",
    "Relief",
    "ReliefOption",
    "after_call_off",
    "apply_option",
    "relief_options",
    "relief_to_json",
]
