"""Running a server as somebody else when we are root, which PostgreSQL refuses to run as.

The other user is `nobody`: it exists everywhere and needs no `useradd`. A home or a virtual environment below a closed
directory such as /root would be out of its reach; rather than opening that directory, the server keeps the one
capability that lets it pass through.
"""

import ctypes
import os
import pwd
import stat
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from iew.embedded.faults import PartFault

PR_SET_KEEPCAPS: Final = 8
PR_CAP_AMBIENT: Final = 47
PR_CAP_AMBIENT_RAISE: Final = 2
CAP_DAC_OVERRIDE: Final = 1
CAP_DAC_READ_SEARCH: Final = 2
CAPABILITY_VERSION_3: Final = 0x20080522

_libc: Final = ctypes.CDLL(None, use_errno=True)


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Word(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def step_down(directory: Path, reads: Iterable[Path]) -> Callable[[], None] | None:
    """What a child must do before it executes a server that refuses root; None where we are not root.

    directory: handed over to the other user, with all in it. reads: what the server must be able to read as well.
    """
    if os.geteuid() != 0:
        return None
    user = pwd.getpwnam("nobody")
    _hand_over(directory, user.pw_uid, user.pw_gid)
    capability = None if all(map(_is_reachable, (directory, *reads))) else _passing_capability()

    def become_nobody() -> None:
        if capability is not None:
            _libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
        os.setgroups([])
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)
        if capability is not None:
            _keep_only(capability)

    return become_nobody


def _hand_over(directory: Path, user: int, group: int) -> None:
    for folder, _, files in os.walk(directory):
        for path in (folder, *(os.path.join(folder, file) for file in files)):
            if os.lstat(path).st_uid != user:
                os.chown(path, user, group, follow_symlinks=False)


def _is_reachable(path: Path) -> bool:
    """Whether everybody may pass through all directories above `path`."""
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in path.resolve().parents)


def _passing_capability() -> int:
    """The weakest capability we hold that opens closed directories."""
    words = (_Word * 2)()
    _libc.capget(ctypes.byref(_Header(CAPABILITY_VERSION_3, 0)), words)
    for capability in (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE):
        if words[0].permitted & (1 << capability):
            return capability
    raise PartFault("PostgreSQL does not run as root, and its files lie in a closed directory; run as another user")


def _keep_only(capability: int) -> None:
    mask = 1 << capability
    words = (_Word * 2)()
    words[0] = _Word(mask, mask, mask)
    failed = _libc.capset(ctypes.byref(_Header(CAPABILITY_VERSION_3, 0)), words)
    if failed or _libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0):
        os._exit(126)
