"""`python -m tests.benchmarks [names] [--rounds N] [--seconds S] [--messages N] [--short]`: measure, write figures."""

from __future__ import annotations

import argparse
import sys

from tests.benchmarks import report
from tests.benchmarks.harness import Options, available, load_module


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(available())}; default: all")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, help="length of a steady load (default: the benchmark's own)")
    parser.add_argument("--messages", type=int, help="how many `memory` sends (default: 50,000)")
    parser.add_argument("--short", action="store_true", help="only see whether they work; writes no figures")
    args = parser.parse_args()
    if unknown := set(args.names) - set(available()):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    rounds = 2 if args.short else max(args.rounds, 1)
    options = Options(rounds=rounds, short=args.short, seconds=args.seconds, messages=args.messages)
    missed = []
    for name in args.names or available():
        module = load_module(name)
        print(f"{name}: {module.TITLE}", file=sys.stderr, flush=True)
        results = module.run(options)
        print(report.plain(results), flush=True)
        if not options.short:
            report.write({name: report.section(name, module.TITLE, results, options)})
        missed += [f"{result.name} {result.what}" for result in results if result.reached is False]
    if missed and not options.short:
        print("not reached: " + "; ".join(missed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
