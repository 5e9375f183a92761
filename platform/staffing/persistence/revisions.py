"""Which revision the schema has and which it should have, without loading the migration tool: every start asks."""

import re
from pathlib import Path

import asyncpg

from staffing.persistence.provision import Prepared, connect_to

_VERSIONS = Path(__file__).parent / "migrations" / "versions"
_REVISION = re.compile(r"^(down_)?revision\s*=\s*['\"]([^'\"]+)['\"]", re.MULTILINE)


def newest() -> str:
    """The revision that no other one follows."""
    own: set[str] = set()
    followed: set[str] = set()
    for path in _VERSIONS.glob("*.py"):
        for before, name in _REVISION.findall(path.read_text()):
            (followed if before else own).add(name)
    (head,) = own - followed
    return head


async def is_current(prepared: Prepared) -> bool:
    """Whether the schema is at the newest revision."""
    connection = await connect_to(prepared.owner_dsn)
    try:
        return bool(await connection.fetchval("select version_num from alembic_version") == newest())
    except asyncpg.UndefinedTableError:
        return False
    finally:
        await connection.close()
