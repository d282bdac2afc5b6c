"""How well are hands followed? Rendered streams with exact truth, by speed, pose, distance, light and blur.

Also two hands that meet, and pictures without a hand. mediapipe gets its columns where `.venv-peers` is in
the current folder (`make peers`). Writes tracking.json, tracking.md and found_against_speed.png.

    python benchmarks/tracking.py --out /tmp/tracking
    python benchmarks/tracking.py --out /tmp/speed --groups speed,blur --persons 3
"""

import argparse
import sys
import time
from pathlib import Path

from handflow.atomic import write_bytes
from handflow.bench.tracking import PERSONS, SEED, bench_tracking, document
from handflow.bench.tracking_conditions import conditions
from handflow.bench.tracking_report import markdown, speed_picture
from handflow.errors import HandflowError


def main() -> int:
    """Prints the tables and writes the files; 1: something is missing."""
    known = list(dict.fromkeys(c.group for c in conditions()))
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--persons", type=int, default=PERSONS, help="persons in each condition; some show more"
    )
    parser.add_argument("--seed", type=int, default=SEED, help="of the first person")
    parser.add_argument("--groups", default=",".join(known), help=f"by comma, of: {', '.join(known)}")
    parser.add_argument("--out", type=Path, required=True, help="folder for the results")
    args = parser.parse_args()
    groups = [group.strip() for group in args.groups.split(",")]
    for group in groups:
        if group not in known:
            parser.error(f"'{group}' is not known: choose of {', '.join(known)}")
    if args.persons < 1:
        parser.error(f"{args.persons} persons cannot be shown: choose 1 or more")
    begin = time.monotonic()
    try:
        results = bench_tracking(
            persons=args.persons,
            seed=args.seed,
            rows=[c for c in conditions() if c.group in groups],
            progress=lambda text: print(f"{time.monotonic() - begin:5.0f} s  {text}", file=sys.stderr),
        )
        table = markdown(results)
        args.out.mkdir(parents=True, exist_ok=True)
        write_bytes(args.out / "tracking.json", document(results, args.persons, args.seed).encode())
        write_bytes(args.out / "tracking.md", table.encode())
        print(table)
        if "speed" in groups:
            speed_picture(results, args.out / "found_against_speed.png")
    except HandflowError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
