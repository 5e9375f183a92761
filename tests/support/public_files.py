"""Problems of the public kinds as their files have them."""

from matching.public.gap import Assigning
from matching.public.smptsp import Tasks


def gap_file(*problems: Assigning) -> str:
    """The text of a file with these problems; one that holds a single problem does not count it."""
    lines = [] if len(problems) == 1 else [[len(problems)]]
    for problem in problems:
        lines += [[problem.agents, problem.jobs], *problem.cost.tolist(), *problem.takes.tolist(), problem.room.tolist()]
    return "\n".join(" ".join(map(str, line)) for line in lines) + "\n"


def smptsp_file(tasks: Tasks) -> str:
    """The text of a file with this problem."""
    lines = ["Type = 1", f"Jobs = {len(tasks.spans)}", *(f"{start} {end}" for start, end in tasks.spans)]
    lines.append(f"Qualifications = {len(tasks.able)}")
    lines += [f"{len(able)}: {' '.join(map(str, sorted(able)))}" for able in tasks.able]
    return "\n".join(lines) + "\n"
