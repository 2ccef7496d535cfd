"""P2: messages a second by two workers, against two processes that only build the same mails and hand them over."""

from __future__ import annotations

import statistics
from collections.abc import Callable

from tests.benchmarks.calendar import Filler, open_shop
from tests.benchmarks.harness import Options, Result, in_turns, ratio_of_medians, stage
from tests.benchmarks.postmen import Postman, rate

TITLE = "claim, gate, render, MIME, SMTP and record by two workers"
WORKERS = 2
MESSAGES = 1000  # a round


def run(options: Options) -> list[Result]:
    count = 200 if options.short else MESSAGES
    with stage() as here:
        email_url, _ = here.servers.sink()
        env = here.environ(here.database(), EMAIL_URL=email_url)
        ctx = here.context(env["DATABASE_URL"])
        filler = Filler(ctx, open_shop(ctx))
        teams = {kind: [Postman(kind, env) for _ in range(WORKERS)] for kind in ("ours", "smtplib", "stdlib", "bare")}
        filler.fill(200)
        rate(teams["ours"], 200)  # the templates and plans of the first messages are not what is measured

        def ours(_: int) -> float:
            filler.fill(count)
            with ctx.database.engine.connect() as connection:
                connection.exec_driver_sql("ANALYZE")
            return rate(teams["ours"], count)

        def theirs(kind: str) -> Callable[[int], float]:
            return lambda _: rate(teams[kind], count)

        measured = in_turns(options.rounds, {"ours": ours, **{k: theirs(k) for k in ("smtplib", "stdlib", "bare")}})
        for postmen in teams.values():
            for postman in postmen:
                postman.end()
        ctx.database.dispose()
    median = {kind: statistics.median(values) for kind, values in measured.items()}
    ratio = ratio_of_medians(measured["ours"], measured["stdlib"])
    return [
        Result("P2", "two workers, the same message with email.message and smtplib as the floor", median["ours"],
               median["stdlib"], "mails/s", ratio, "≥ 0.6×", ratio >= 0.6),
        Result("P2", "the same, our own MIME and smtplib as the floor", median["ours"], median["smtplib"], "mails/s",
               ratio_of_medians(measured["ours"], measured["smtplib"])),
        Result("P2", "the sink's own ceiling: finished bytes from two processes", median["bare"], None, "mails/s"),
    ]  # fmt: skip
