# ruff: noqa: E501
"""Programs that use too much: memory, time, processes, disk, output."""

ANY = {"error", "timeout", "memory", "output_limit", "killed"}

ATTACKS = {
    "memory: one block": ({"memory"}, "x = bytearray(10**10)"),
    "memory: a growing list": ({"memory"}, "l = []\nwhile True: l.append(bytearray(10**6))"),
    "memory: small objects": ({"memory", "timeout"}, "l = []\nwhile True: l.append(object())"),
    "memory: a string doubled": ({"memory"}, "s = 'x'\nwhile True: s += s"),
    "memory: exceptions caught": ({"timeout"}, "l = []\nwhile True:\n    try: l.append(bytearray(10**6))\n    except MemoryError: pass"),
    "memory: mmap": (ANY, "import mmap\nl = []\nwhile True: l.append(mmap.mmap(-1, 1 << 26))"),
    "memory: in threads": (
        ANY | {"ok"},
        "import threading\ndef f():\n    l = []\n    while True: l.append(bytearray(10**6))\n"
        "for _ in range(8): threading.Thread(target=f).start()",
    ),
    "memory: many processes": ({"error"}, "import os\nfor _ in range(30):\n    if os.fork() == 0:\n        x = bytearray(3 * 10**8)\n        while True: pass"),
    "memory: nested data": (ANY, "l = []\nwhile True: l = [l, bytearray(1000)]"),
    "memory: pipes of a megabyte": (
        {"error"}, "import fcntl, os\nr, w = os.pipe()\nfcntl.fcntl(w, 1031, 1 << 20)\nprint('BREACH')"
    ),
    "int bomb": (ANY, "x = 10 ** 10 ** 9\nprint(len(str(x)))"),
    "int to str": (ANY, "import sys\nsys.set_int_max_str_digits(0)\nprint(str(7 ** 10**8)[:1])"),
    "regular expression": ({"timeout"}, "import re\nre.match(r'(a+)+$', 'a' * 60 + 'b')"),
    "spin": ({"timeout"}, "while True: pass"),
    "sleep": ({"timeout"}, "import time\ntime.sleep(1000)"),
    "spin in a thread": ({"timeout"}, "import threading\ndef f():\n    while True: pass\nthreading.Thread(target=f).start()"),
    "wait for a thread that never ends": ({"timeout"}, "import threading\nthreading.Thread(target=threading.Event().wait).start()"),
    "hang at exit": ({"timeout"}, "import atexit\n@atexit.register\ndef f():\n    while True: pass"),
    "read what never comes": ({"timeout"}, "import os\nr, w = os.pipe()\nos.read(r, 1)"),
    "fork bomb": ({"error"}, "import os\nwhile True: os.fork()"),
    "fork bomb, errors caught": ({"timeout"}, "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"),
    "vfork through a subprocess": ({"error"}, "import subprocess\nsubprocess.run(['/bin/sh', '-c', 'echo BREACH'])"),
    "posix_spawn": ({"error"}, "import os, sys\nos.posix_spawn(sys.executable, ['x', '-c', 'print(1)'], {})\nprint('BREACH')"),
    "multiprocessing": ({"error"}, "import multiprocessing as m\np = m.Process(target=print, args=('BREACH',))\np.start(); p.join()"),
    "thread bomb": (ANY, "import threading, time\nfor _ in range(10**5): threading.Thread(target=time.sleep, args=(100,)).start()\nprint('BREACH')"),
    "thread bomb with small stacks": (
        ANY,
        "import threading, time\nthreading.stack_size(32768)\nfor _ in range(500): threading.Thread(target=time.sleep, args=(100,)).start()\nprint('BREACH')",
    ),
    "disk flood": ({"error", "output_limit"}, "f = open('x', 'wb')\nwhile True: f.write(bytes(10**6))"),
    "disk flood, many files": ({"error"}, "i = 0\nwhile True:\n    i += 1\n    open(f'f{i}', 'wb').write(bytes(10**6))"),
    "inode flood": ({"error"}, "i = 0\nwhile True:\n    i += 1\n    open(f'f{i}', 'w').close()"),
    "folders within folders": ({"error"}, "import os\nwhile True:\n    os.mkdir('d')\n    os.chdir('d')"),
    "sparse file": ({"error"}, "import os\nf = os.open('x', os.O_CREAT | os.O_RDWR)\nos.ftruncate(f, 1 << 40)\nprint('BREACH')"),
    "deleted but open": ({"error"}, "import os\nl = []\nwhile True:\n    l.append(open('x', 'wb', 0)); l[-1].write(bytes(10**6)); os.unlink('x')"),
    "open files": ({"error"}, "l = []\nwhile True: l.append(open('/dev/null'))"),
    "stdout flood": ({"output_limit"}, "while True: print('x' * 10000)"),
    "stdout flood, errors caught": (
        {"output_limit"}, "import os\nwhile True:\n    try: os.write(1, b'x' * 10000)\n    except OSError: pass"
    ),
    "stderr flood": ({"output_limit"}, "import sys\nwhile True: sys.stderr.write('x' * 10000)"),
    "sparse stdout": ({"error", "output_limit"}, "import os\nos.ftruncate(1, 1 << 40)\nprint('BREACH')"),
    "seek past the end of stdout": ({"error", "output_limit"}, "import os\nos.lseek(1, 1 << 22, 0)\nos.write(1, b'x')"),
    "flood through the report": ({"output_limit"}, "import os\nwhile True: os.write(3, b'x' * 10000)"),
    "recursion": ({"error"}, "def f(): f()\nf()"),
    "recursion without a limit": (ANY, "import sys\nsys.setrecursionlimit(10**9)\nclass A:\n    def __repr__(self): return repr(self)\nrepr(A())"),
    "deep nesting in the source": (ANY, "exec('(' * 10**5)"),
    "compile bomb": (ANY, "exec('x = ' + '-' * 10**6 + '1')"),
    "raise the limits": (
        {"error"}, "import resource as r\nr.setrlimit(r.RLIMIT_AS, (-1, -1))\nprint('BREACH')"
    ),
    "hash collisions": (ANY, "d = {i * (2**61 - 1): 0 for i in range(10**5)}\nwhile True: pass"),
    "zip bomb": (ANY, "import zlib\nz = zlib.compress(bytes(10**8))\nl = []\nwhile True: l.append(zlib.decompress(z))"),
}  # fmt: skip
