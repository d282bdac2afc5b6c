"""How much memory this process has used at most."""

import sys
from pathlib import Path


def peak_memory() -> float | None:
    """Peak resident memory in MB; None on Windows, which does not tell it to the standard library."""
    if sys.platform == "win32":
        return None
    if sys.platform == "linux":  # ru_maxrss would begin with that of the process which started this one
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        return float(status.split("VmHWM:")[1].split()[0]) / 1024
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / 1024**2
