"""Pictures of every merchant page and state: two languages, two widths, outside and inside an admin's frame.

    python -m tests.looks --out DIR [--only PART] [--languages en,ko] [--widths 390,1280] [--framed]

Writes DIR/LANGUAGE-WIDTH/NAME.png and prints what scrolls sideways, what is cut and what the console complains of.
`--framed` shows the pages in the frame of the twin's admin instead (needs the shared folder: DASI_SHARED).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.looks.camera import Camera, Frames
from tests.looks.house import house
from tests.looks.views import VIEWS, View


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.looks", description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", help="names that contain one of these, comma-separated", default="")
    parser.add_argument("--languages", default="en,ko")
    parser.add_argument("--widths", default="390,1280")
    parser.add_argument("--framed", action="store_true")
    args = parser.parse_args()
    wanted = [view for view in VIEWS if any(part in view.name for part in args.only.split(","))]
    troubles = 0
    for language in args.languages.split(","):
        for width in map(int, args.widths.split(",")):
            folder = args.out / f"{language}-{width}"
            folder.mkdir(parents=True, exist_ok=True)
            troubles += take(wanted, folder, language, width, args.framed)
    return 1 if troubles else 0


def take(views: list[View], folder: Path, language: str, width: int, framed: bool) -> int:
    """Picture these, each round on a fresh house, so that what one view does is not seen in the next round's."""
    troubles = 0
    with (
        tempfile.TemporaryDirectory(prefix="dasi-looks-") as place,
        house(Path(place), framed) as home,
        (Frames if framed else Camera)(home, language, width) as camera,
    ):
        for view in views:
            for trouble in camera.take(view, folder / f"{view.name}.png"):
                troubles += 1
                print(f"{folder.name} {view.name}: {trouble}", flush=True)
    return troubles


if __name__ == "__main__":
    sys.exit(main())
