"""What Stripe keeps is the agency's cost: a facility reads neither those bookings nor the account for what Stripe holds.

Revision: 0008, after 0007
"""

from alembic import op

from staffing.persistence import schema
from staffing.persistence.policies import AGENCY, any_of, of_facility

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

BOOKINGS = "kind not in ('fee_charged', 'fee_returned')"
POSTINGS = "account not in ('clearing', 'fees')"


def upgrade() -> None:
    for table, theirs in (("ledger_transactions", BOOKINGS), ("ledger_postings", POSTINGS)):
        read = any_of(AGENCY, f"({of_facility()}) and {theirs}")
        schema.execute_script(op.get_bind(), f"alter policy {table}_read on {table} using ({read});")


def downgrade() -> None:
    for table in ("ledger_transactions", "ledger_postings"):
        schema.execute_script(op.get_bind(), f"alter policy {table}_read on {table} using ({any_of(AGENCY, of_facility())});")
