"""The obvious alternative, as it would be written: one job for each message, at its own time, that does everything.

`python -m tests.benchmarks.rq_jobs QUEUE KIND`: a worker with RQ's scheduler, `forking` or `simple`. All code is loaded
and every template compiled before its first job, so that no forked child does that again.
"""

from __future__ import annotations

import os
import sys
from functools import cache

from redis import Redis
from rq import SimpleWorker, Worker
from rq.serializers import JSONSerializer

from plugin.channels.email.mime import build
from plugin.channels.email.transport import Transport, open_transport
from plugin.config import load
from plugin.content.render import render
from plugin.domain.flows import STEPS, State
from plugin.services.compose import compose
from plugin.services.context import Context
from plugin.services.context import build as build_context
from plugin.services.desk import lay_out
from plugin.services.envelope import mail_of
from plugin.services.leave import Go, decide
from plugin.store.models.messages import Message
from tests.benchmarks.sample import sample

WORKERS = {"forking": Worker, "simple": SimpleWorker}


@cache
def wired() -> tuple[Context, Transport]:
    """Once for each process: a forking worker's children each have their own."""
    ctx = build_context(load(os.environ))
    return ctx, open_transport(ctx.settings.email_url)


def send_one(message_id: int) -> None:
    """Look whether it may leave, write it, hand it over, record it."""
    ctx, transport = wired()
    now = ctx.clock.now()
    with ctx.database.transaction() as session:
        message = session.get_one(Message, message_id)
        desk = lay_out(session, [message])
        shop, order = desk.shops[message.shop_id], desk.orders[message.order_id]
        verdict = decide(desk, shop, desk.settings_of(shop), order, message, now)
        if not isinstance(verdict, Go):
            return
        view = compose(desk, ctx, shop, desk.settings_of(shop), order, message, verdict)
        mail = mail_of(
            ctx, shop, desk.settings_of(shop), order, message, view, render(view), verdict.message_class, now
        )
        transport.send(mail.sender_address, mail.to, build(mail))
        message.state, message.sent_at, message.reason = State.SENT, now, "sent"


def work(queue: str, kind: str, redis_url: str) -> None:
    """Until SIGTERM."""
    for step in STEPS:
        sample(step)
    worker = WORKERS[kind]([queue], connection=Redis.from_url(redis_url), serializer=JSONSerializer)
    worker.work(with_scheduler=True, logging_level="WARNING")


if __name__ == "__main__":
    work(sys.argv[1], sys.argv[2], os.environ["REDIS_URL"])
