"""A merchant's list of consents in the database, from being read to being dealt with: in parts, sealed, for a day.

A part holds all that the list says of its addresses, in the list's order. So parts depend on nothing but themselves,
and it does not matter which worker, on which machine, deals with one, or when.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import IO, Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from plugin.domain.zones import zone_for
from plugin.services.consent_csv import Said, Wrong, read_consents
from plugin.services.context import Context
from plugin.services.shops import shop_of
from plugin.store.models.imports import ConsentImport, ConsentImportPart
from schemas.events import ConsentSource, ConsentState

AT_ONCE = 500  # lines of a part, about
NAMED = 100  # wrong lines that are named one by one
KEPT = timedelta(days=1)  # of machine time, from the upload


@dataclass
class Outcome:
    """What an import did, or what it would do. `lines` = `good` + `wrong`; `named`: the first of the wrong ones.

    `changed`: lines that say something new. Of their addresses: `may` may get marketing from now on, `may_not` may no
    longer, `kept_out` unsubscribed after what the line says and stay so. `orders`: planned anew.
    """

    dry: bool
    lines: int = 0
    wrong: int = 0
    named: list[Wrong] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)  # of the good lines
    changed: int = 0
    may: int = 0
    may_not: int = 0
    kept_out: int = 0
    orders: int = 0

    @property
    def good(self) -> int:
        return self.lines - self.wrong

    def again(self, *, dry: bool) -> Outcome:
        """The same list before anything was done with it."""
        return Outcome(dry, self.lines, self.wrong, self.named, self.states)


def store(ctx: Context, shop_id: int, file: IO[bytes], actor: str, *, dry: bool) -> int:
    """Read the whole list and keep its good lines; the import's id. Raises UnknownShop and `consent_csv.BadFile`."""
    with ctx.database.reading() as session:
        zone = zone_for(None, shop_of(session, shop_id).timezone)
    outcome = Outcome(dry)
    good = sorted(_sort_out(read_consents(file, zone, ctx.clock.now()), outcome), key=_address)
    with ctx.database.transaction() as session:
        row = ConsentImport(shop_id=shop_id, made_at=datetime.now(UTC), made_by=actor, dry=dry, state="waiting",
                            parts=0, done=0, outcome=seal(ctx, outcome))  # fmt: skip
        session.add(row)
        session.flush()
        for lines in _parts(good):
            part = {"import_id": row.id, "number": row.parts, "shop_id": shop_id, "lines": _sealed(ctx, lines)}
            session.execute(insert(ConsentImportPart).values(part))
            row.parts += 1
        return row.id


def find(session: Session, shop_id: int, import_id: int) -> ConsentImport | None:
    return session.scalar(
        select(ConsentImport).where(ConsentImport.shop_id == shop_id, ConsentImport.id == import_id)
    )


def lines_of(session: Session, ctx: Context, row: ConsentImport, number: int) -> list[Said]:
    """Raises Undecryptable; an erased part has no lines."""
    sealed = session.scalar(
        select(ConsentImportPart.lines).where(
            ConsentImportPart.import_id == row.id, ConsentImportPart.number == number
        )
    )
    return _opened(ctx, sealed) if sealed else []


def forget_lines(session: Session, row: ConsentImport) -> None:
    session.execute(delete(ConsentImportPart).where(ConsentImportPart.import_id == row.id))


def hold(session: Session, shop_id: int) -> None:
    """Wait for the parts under way, and let none begin until we commit. Before the locks of customers, as an import."""
    mine = select(ConsentImport.id).where(ConsentImport.shop_id == shop_id).order_by(ConsentImport.id)
    session.execute(mine.with_for_update())


def erase_addresses(session: Session, ctx: Context, shop_id: int, addresses: Collection[str]) -> None:
    """Take these out of every list of the shop's that is still kept, and that the caller holds."""
    mine = select(ConsentImport).where(ConsentImport.shop_id == shop_id).order_by(ConsentImport.id)
    for row in session.scalars(mine).all():
        outcome = unseal(ctx, row.outcome)
        outcome.named = []
        row.outcome = seal(ctx, outcome)
        numbers = select(ConsentImportPart.number).where(ConsentImportPart.import_id == row.id)
        for number in session.scalars(numbers).all():
            lines = lines_of(session, ctx, row, number)
            rest = [line for line in lines if line.address not in addresses]
            if len(rest) < len(lines):
                session.execute(
                    update(ConsentImportPart)
                    .where(ConsentImportPart.import_id == row.id, ConsentImportPart.number == number)
                    .values(lines=_sealed(ctx, rest))
                )


def prune_imports(session: Session, now: datetime) -> None:
    """What merchants uploaded more than a day ago, whatever became of it."""
    session.execute(delete(ConsentImport).where(ConsentImport.made_at < now - KEPT))


def seal(ctx: Context, outcome: Outcome) -> bytes:
    data = vars(outcome) | {"named": [asdict(line) for line in outcome.named]}
    return ctx.vault.seal_bytes(json.dumps(data).encode())


def unseal(ctx: Context, sealed: bytes) -> Outcome:
    """Raises Undecryptable."""
    data: dict[str, Any] = json.loads(ctx.vault.open_bytes(sealed))
    named = [Wrong(**line) for line in data.pop("named")]
    return Outcome(named=named, states=Counter(data.pop("states")), **data)


def _sort_out(lines: Iterable[Said | Wrong], outcome: Outcome) -> Iterator[Said]:
    for line in lines:
        outcome.lines += 1
        if isinstance(line, Said):
            outcome.states[str(line.state)] += 1
            yield line
            continue
        outcome.wrong += 1
        if len(outcome.named) < NAMED:
            outcome.named.append(line)


def _address(line: Said) -> str:
    return line.address


def _parts(good: list[Said]) -> Iterator[list[Said]]:
    """Lines of one address stay together."""
    part: list[Said] = []
    for line in good:
        if len(part) >= AT_ONCE and line.address != part[-1].address:
            yield part
            part = []
        part.append(line)
    if part:
        yield part


def _sealed(ctx: Context, lines: Iterable[Said]) -> bytes:
    rows = [[line.number, line.address, line.state, line.source, line.at.isoformat()] for line in lines]
    return ctx.vault.seal_bytes(json.dumps(rows).encode())


def _opened(ctx: Context, sealed: bytes) -> list[Said]:
    return [
        Said(number, address, ConsentState(state), ConsentSource(source), datetime.fromisoformat(at))
        for number, address, state, source, at in json.loads(ctx.vault.open_bytes(sealed))
    ]
