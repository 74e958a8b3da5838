# ruff: noqa: E501
"""Programs that try to read what they must not. An attack that succeeds prints BREACH; {secret} is a file that anyone may read."""

ATTACKS = {
    "a planted secret": ({"error"}, "print('BREACH', open({secret!r}).read())"),
    "a planted secret by stat": ({"error"}, "import os\nprint('BREACH', os.stat({secret!r}))"),
    "/etc/passwd": ({"error"}, "print('BREACH', open('/etc/passwd').read())"),
    "/etc/hostname": ({"error"}, "print('BREACH', open('/etc/hostname').read())"),
    "/root": ({"error"}, "import os\nprint('BREACH', os.listdir('/root'))"),
    "/home": ({"error"}, "import os\nprint('BREACH', os.listdir('/home'))"),
    "/": ({"error"}, "import os\nprint('BREACH', os.listdir('/'))"),
    "/sys": ({"error"}, "import os\nprint('BREACH', os.listdir('/sys'))"),
    "/proc": ({"ok", "error"}, "import os\nl = os.listdir('/proc')\nprint('BREACH' if l else 'empty')"),
    "its own /proc": ({"error"}, "print('BREACH', open('/proc/self/status').read())"),
    "the parent's command line": ({"error"}, "print('BREACH', open('/proc/1/cmdline').read())"),
    "the mounts": ({"error"}, "print('BREACH', open('/proc/mounts').read())"),
    "the host's name": ({"ok"}, "import os, platform\nprint('BREACH' if platform.node() != 'sandbox' else 'held')"),
    "the environment": ({"ok"}, "import os\nprint('BREACH' if set(os.environ) - {'PATH', 'HOME', 'TMPDIR', 'LANG', 'LC_ALL', 'LC_CTYPE'} else 'held')"),
    "the environment in memory": (
        {"ok"},
        "import ctypes\ne = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), 'environ')\n"
        "i = 0\nwhile e[i]:\n    print('BREACH' if b'PLANTED' in e[i] else 'held'); i += 1",
    ),
    "the jail's source": ({"error"}, "print('BREACH', open('/jail/inside/server.py').read())"),
    "the jail's modules": ({"error"}, "import inside.server\nprint('BREACH')"),
    "installed packages": ({"error"}, "import pytest\nprint('BREACH')"),
    "packages by path": ({"error"}, "import os, glob\nl = glob.glob(os.path.dirname(os.__file__) + '/site-packages/*')\nassert l, 'none'\nprint('BREACH', l)"),
    "the disk": ({"error"}, "print('BREACH', open('/dev/vda', 'rb').read(1))"),
    "the kernel's memory": ({"error"}, "print('BREACH', open('/dev/mem', 'rb').read(1))"),
    "the kernel's log": ({"error"}, "print('BREACH', open('/dev/kmsg').read(1))"),
    "the terminal": ({"error"}, "print('BREACH', open('/dev/tty').read(1))"),
    "sockets in memory": ({"ok"}, "import gc, socket\nprint('BREACH' if any(isinstance(o, socket.socket) and o.fileno() >= 0 for o in gc.get_objects()) else 'held')"),
    "frames below": ({"ok"}, "import sys\nf = sys._getframe()\nwhile f:\n    if 'control' in f.f_locals and f.f_locals['control'].fileno() > 0:\n        try: f.f_locals['control'].send(bytes(13)); print('BREACH')\n        except OSError: pass\n    f = f.f_back"),
    "what the last program left in its folder": ({"ok"}, "import os\nprint('BREACH' if os.listdir('.') else 'held')\nopen('left', 'w').write('BREACH')"),
    "what the last program left there, again": ({"ok"}, "import os\nprint('BREACH' if os.listdir('.') else 'held')"),
    "users logged in": ({"error"}, "import pwd\nprint('BREACH', pwd.getpwuid(0))"),
}  # fmt: skip
