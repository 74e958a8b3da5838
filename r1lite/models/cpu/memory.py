"""The CPU's memory allocator: keep freed blocks in the process."""

from __future__ import annotations

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # from glibc's malloc.h


def keep_freed_memory() -> bool:
    """Let this process reuse the memory it frees; False where the allocator has no such option.

    By default glibc returns every large freed block to the kernel and gets it back page by page, each page zeroed. A training
    step allocates and frees hundreds of such blocks, which takes a fifth to a third of its time. Peak memory does not change.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return False
    return bool(mallopt(M_MMAP_MAX, 0) and mallopt(M_TRIM_THRESHOLD, -1))
