"""What a measured process has used, as source text for a script that reports on itself."""

from __future__ import annotations

USED = '''
def used():
    """Processor seconds of this process, and the most memory that it held, in MB."""
    import resource

    usage = resource.getrusage(resource.RUSAGE_SELF)
    try:
        # On Linux ru_maxrss begins with the size of the process that started this one.
        with open("/proc/self/status") as file:
            peak = next(int(line.split()[1]) for line in file if line.startswith("VmHWM:"))
    except FileNotFoundError:
        peak = usage.ru_maxrss
    return usage.ru_utime + usage.ru_stime, peak / 1024
'''
