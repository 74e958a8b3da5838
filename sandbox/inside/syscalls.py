"""The numbers of system calls, and which of them a program may make. All others are refused.

Each entry is `name x86_64 aarch64`; a dash if the machine has no such call.
"""

from __future__ import annotations

import platform
from typing import Final

# Allowed with any arguments.
ALLOWED: Final = """
read 0 63 | write 1 64 | readv 19 65 | writev 20 66 | pread64 17 67 | pwrite64 18 68 | preadv 295 69 | pwritev 296 70
preadv2 327 286 | pwritev2 328 287 | close 3 57 | close_range 436 436 | lseek 8 62 | sendfile 40 71
open 2 - | openat 257 56 | stat 4 - | lstat 6 - | fstat 5 80 | newfstatat 262 79 | statx 332 291 | statfs 137 43
fstatfs 138 44 | access 21 - | faccessat 269 48 | faccessat2 439 439 | readlink 89 - | readlinkat 267 78
getdents 78 - | getdents64 217 61 | getcwd 79 17 | chdir 80 49 | fchdir 81 50 | mkdir 83 - | mkdirat 258 34
rmdir 84 - | unlink 87 - | unlinkat 263 35 | rename 82 - | renameat 264 38 | renameat2 316 276 | link 86 -
linkat 265 37 | symlink 88 - | symlinkat 266 36 | chmod 90 - | fchmod 91 52 | fchmodat 268 53 | umask 95 166
truncate 76 45 | ftruncate 77 46 | fallocate 285 47
utime 132 - | utimes 235 - | futimesat 261 - | utimensat 280 88 | fsync 74 82 | fdatasync 75 83 | flock 73 32
dup 32 23 | dup2 33 - | dup3 292 24 | getxattr 191 8 | lgetxattr 192 9 | fgetxattr 193 10
listxattr 194 11 | llistxattr 195 12 | flistxattr 196 13
mmap 9 222 | mprotect 10 226 | munmap 11 215 | mremap 25 216 | madvise 28 233 | brk 12 214
pipe 22 - | pipe2 293 59 | poll 7 - | ppoll 271 73 | select 23 - | pselect6 270 72 | epoll_create 213 -
epoll_create1 291 20 | epoll_ctl 233 21 | epoll_wait 232 - | epoll_pwait 281 22 | epoll_pwait2 441 441 | eventfd 284 -
eventfd2 290 19 | recvfrom 45 207 | shutdown 48 210 | getsockname 51 204 | getpeername 52 205
rt_sigaction 13 134 | rt_sigprocmask 14 135 | rt_sigreturn 15 139 | rt_sigpending 127 136 | rt_sigtimedwait 128 137
rt_sigsuspend 130 133 | sigaltstack 131 132 | kill 62 129 | tkill 200 130 | tgkill 234 131
alarm 37 - | getitimer 36 102 | setitimer 38 103 | pause 34 - | nanosleep 35 101 | clock_nanosleep 230 115
clock_gettime 228 113 | clock_getres 229 114 | gettimeofday 96 169 | time 201 - | times 100 153
getrusage 98 165 | getrlimit 97 163 | getpid 39 172 | gettid 186 178 | getppid 110 173
getuid 102 174 | geteuid 107 175 | getgid 104 176 | getegid 108 177 | getgroups 115 158 | getresuid 118 148
getresgid 120 150 | getpgrp 111 - | getpgid 121 155 | getsid 124 156 | uname 63 160 | sysinfo 99 179
sched_yield 24 124 | sched_getaffinity 204 123 | getcpu 309 168 | getpriority 140 141 | wait4 61 260 | waitid 247 95
futex 202 98 | futex_waitv 449 449 | set_robust_list 273 99 | get_robust_list 274 100 | set_tid_address 218 96
rseq 334 293 | membarrier 324 283 | arch_prctl 158 - | getrandom 318 278 | restart_syscall 219 128 | exit 60 93
exit_group 231 94
"""

# Used by the jail before a program runs, or allowed only with certain arguments (see filter.py).
GUARDED: Final = """
clone 56 220 | clone3 435 435 | ioctl 16 29 | socketpair 53 199 | mount 165 40 | umount2 166 39 | seccomp 317 277
landlock_create_ruleset 444 444 | landlock_add_rule 445 445 | landlock_restrict_self 446 446 | capset 126 91
prctl 157 167 | fcntl 72 25 | prlimit64 302 261 | sendto 44 206
"""

_COLUMN: Final = {"x86_64": 1, "aarch64": 2}
MACHINES: Final = tuple(_COLUMN)


def _numbers(table: str, machine: str) -> dict[str, int]:
    rows = [entry.split() for line in table.strip().splitlines() for entry in line.split(" | ")]
    column = _COLUMN.get(machine, 1)
    return {row[0]: int(row[column]) for row in rows if row[column] != "-"}


allowed: Final = _numbers(ALLOWED, platform.machine())
number: Final = allowed | _numbers(GUARDED, platform.machine())
