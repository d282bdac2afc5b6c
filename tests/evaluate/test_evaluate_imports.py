"""What measuring must not need: torch at all, matplotlib before a picture is drawn."""

import subprocess
import sys

MODULES = (
    "calibration", "clips", "events", "intervals", "page", "plots", "protocol_report", "protocols",
    "provenance", "report", "stream_report", "streams", "tables", "timeline", "timeline_row",
)  # fmt: skip


def test_measuring_imports_neither_torch_nor_matplotlib():
    lines = [f"import handflow.evaluate.{name}" for name in MODULES]
    lines += [
        "import sys, handflow.cli.evaluate, handflow.cli.teaching",
        "heavy = {'torch', 'lightning', 'matplotlib', 'sklearn'} & set(sys.modules)",
        "assert not heavy, heavy",
    ]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
