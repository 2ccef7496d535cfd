"""How long what is kept: every age in one place. `docs/operations.md` repeats them for whoever runs Dasi.

Ages of what the machine does count in machine time, those of orders and messages in business time.
"""

from __future__ import annotations

from datetime import timedelta

# Machine time.
RECEIPT_BODIES = timedelta(days=30)  # payloads of webhooks that are dealt with
RECEIPTS = timedelta(days=90)  # so long is a repeated webhook known; what was given up on loses only its payload then
MAIL_NONCES = timedelta(days=2)  # twice as long as a signature with one is good
MESSAGE_BODIES = timedelta(days=90)  # what was written to a customer, as it left

# Business time. The archive's rows are the same messages, where no claim and no list reads over them.
MESSAGES = timedelta(days=396)  # thirteen months after the order, if all of its messages ended so long ago
WAITING = timedelta(days=761)  # twenty-five months: whatever still waits then waits for nothing
ARCHIVE = timedelta(days=1827)  # five years after a message left or should have
