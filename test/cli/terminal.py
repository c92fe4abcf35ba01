"""Runs a program in a terminal of its own, and types. Reads one line of JSON:

    {"argv": […], "env": {…}, "steps": [[expected, typed], …], "stdoutIsPipe": false}

Each text is typed once the expected one has been shown. Writes one line of JSON: what the terminal showed, what a pipe got, the exit code.
"""
import json, os, pty, select, sys, time

task = json.loads(sys.stdin.readline())
read_end, write_end = os.pipe()
pid, terminal = pty.fork()
if pid == 0:
    os.close(read_end)
    if task.get("stdoutIsPipe"):
        os.dup2(write_end, 1)
    os.close(write_end)
    os.execve(task["argv"][0], task["argv"], task["env"])
os.close(write_end)

shown, piped = bytearray(), bytearray()
steps = [(expected.encode(), typed.encode()) for expected, typed in task["steps"]]
position = 0
deadline = time.monotonic() + 50
sources = [terminal, read_end]
while sources and time.monotonic() < deadline:
    ready, _, _ = select.select(sources, [], [], 1)
    for source in ready:
        try:
            data = os.read(source, 65536)
        except OSError:
            data = b""
        if not data:
            sources.remove(source)
        elif source == terminal:
            shown += data
        else:
            piped += data
    if steps:
        expected, typed = steps[0]
        at = shown.find(expected, position)
        if at >= 0:
            position = at + len(expected)
            os.write(terminal, typed)
            steps.pop(0)
if sources:
    os.kill(pid, 9)
_, status = os.waitpid(pid, 0)
print(json.dumps({
    # Enough to read; a long search fills the terminal until Ctrl-C takes effect.
    "shown": shown[:100_000].decode(errors="replace"),
    "piped": piped.decode(errors="replace"),
    "code": os.waitstatus_to_exitcode(status),
    "left": len(steps),
}))
