#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the shards of a sweep plan on the workers of a Dask cluster.

One task is one shard: 'moesim sweep shard PLAN --index i/N --out DIR'. What counts are the files
in DIR, which every machine must see under the same path, as it must PLAN and moesim: a sweep is
done when each shard's final file is there, whatever the futures say. Shards resume where they
stopped and may safely run twice, so whatever ends without its file, or no longer advances, is
submitted again.

A worker that dies takes its simulation with it: --die-with-parent has the kernel kill a shard's
process when the thread that started it ends, and a worker's thread waits for its shard.

'moesim sweep run --engine dask' starts this; see docs/sweeps-on-many-machines.md.
Exit codes: 0 done, 1 a shard keeps failing, 2 wrong arguments, 3 Dask is missing, 4 the scheduler
was not reached or is lost, 130 stopped by SIGTERM or SIGINT after the runs under way.
"""

import argparse
import collections
import hashlib
import logging
import os
import signal
import sys
import time
import uuid

LOOK_SECONDS = 0.2  # between two looks at the files
GRACE_SECONDS = 10.0  # network file systems show a new file late
BEAT_SECONDS = 2.0  # between two signs of life of a shard
SILENT_SECONDS = 15.0  # without one, a shard is not waited for at the end
FRUITLESS_ATTEMPTS = 8  # of a shard, one after the other without a new line


class Failure(Exception):
    """Ends the sweep with a message and an exit code."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def say(message):
    print(f"moesim: {message}", file=sys.stderr, flush=True)


def run_shard(command, topic, shard, beat):
    """The task: runs one shard in a process and returns (exit code, message, host).

    Tells that it is alive as long as its process uses the CPU; a cancelled task, or one whose
    client is gone, lets the run under way end and starts no other.
    """
    import socket
    import subprocess

    from distributed import get_worker

    worker, host = get_worker(), socket.gethostname()
    key = worker.get_current_task()

    def tell(state):
        worker.log_event(topic, [key, shard, state, worker.address])

    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    except OSError as error:
        return 127, f"{command[0]}: {error.strerror}", host
    tell("lives")
    used, told, asked = 0, time.monotonic(), False
    try:
        while True:
            try:
                _, errors = process.communicate(timeout=0.25)
                return process.returncode, errors.decode(errors="replace").strip(), host
            except subprocess.TimeoutExpired:
                pass
            task = worker.state.tasks.get(key)
            if not asked and (task is None or task.state == "cancelled"):
                process.terminate()
                asked = True
            if time.monotonic() - told >= beat:
                told = time.monotonic()
                with open(f"/proc/{process.pid}/stat") as stat:
                    ticks = sum(map(int, stat.read().rpartition(")")[2].split()[11:13]))
                if ticks > used:
                    tell("lives")
                used = ticks
    finally:
        process.kill()
        tell("ended")


class ShardFiles:
    """What the shards of a plan have written; names as Sources/Studies/Shards/ShardFiles.swift."""

    def __init__(self, plan, shards, folder):
        with open(plan, "rb") as file:
            self.plan = hashlib.sha256(file.read()).hexdigest()[:12]
        self.folder = folder
        digits = len(str(shards))
        self.shard_of_stem = {
            f"{self.plan}-{i:0{digits}}of{shards}": i for i in range(shards)}
        self.finished = set()
        self.sizes = collections.Counter()  # bytes in part files

    def look(self):
        finished, sizes = set(), collections.Counter()
        with os.scandir(self.folder) as entries:
            for entry in entries:
                stem, _, rest = entry.name.partition(".")
                shard = self.shard_of_stem.get(stem)
                if shard is None:
                    continue
                if rest == "jsonl":
                    finished.add(shard)
                elif rest.endswith(".part"):
                    try:
                        sizes[shard] += entry.stat().st_size
                    except FileNotFoundError:  # published meanwhile
                        pass
        self.finished, self.sizes = finished, sizes


class Sweep:
    """Keeps futures and files together until every shard's file is there."""

    def __init__(self, client, files, options):
        self.client, self.files, self.options = client, files, options
        self.topic = f"moesim-{files.plan}-{uuid.uuid4().hex[:8]}"
        self.futures = collections.defaultdict(list)  # by shard: attempts that have not ended
        self.attempts = collections.Counter()
        self.fruitless = collections.Counter()
        self.sizes = collections.Counter()
        self.advanced = {}  # by shard: when it last wrote or lived
        self.began = set()  # shards that have written or lived since they were last submitted
        self.missing_since = {}  # by shard: when it ended without its file to be seen
        self.alive = {}  # by key: (when, shard) of the last sign of life
        self.host = {}  # by shard: the worker that it last was on
        self.told = {}  # by shard: why it was last submitted again
        client.subscribe_topic(self.topic, self.hear)

    def hear(self, event):
        key, shard, state, worker = event[1]
        now = time.monotonic()
        if state == "lives":
            self.alive[key] = now
            self.advanced[shard] = now
            self.began.add(shard)
            self.host[shard] = worker
        else:
            self.alive.pop(key, None)

    def submit(self, shard, elsewhere=False):
        o = self.options
        self.attempts[shard] += 1
        command = [o.moesim, "sweep", "shard", o.plan, "--index", f"{shard}/{o.shards}",
                   "--out", o.out, "--die-with-parent"]
        place = {}
        if elsewhere and self.host.get(shard):
            others = [w for w in self.client.nthreads() if w != self.host[shard]]
            if others:
                place = {"workers": others, "allow_other_workers": True}
        self.futures[shard].append(self.client.submit(
            run_shard, command, self.topic, shard, min(BEAT_SECONDS, o.stall / 5), pure=False,
            key=f"{self.topic}-{shard}-{self.attempts[shard]}", **place))
        self.advanced[shard] = time.monotonic()
        self.began.discard(shard)
        self.missing_since.pop(shard, None)

    def again(self, shard, reason):
        """Submits a shard once more, unless that has come to nothing too often."""
        self.fruitless[shard] += 1
        if self.fruitless[shard] >= FRUITLESS_ATTEMPTS:
            raise Failure(
                1, f"shard {shard}: {reason}; given up after {self.fruitless[shard]} attempts"
                " without a further result")
        if self.told.get(shard) != reason:
            say(f"shard {shard}: {reason}; submitted again")
        self.told[shard] = reason
        self.submit(shard, elsewhere=True)

    def ended(self, shard, future):
        """Why a future that has ended did so; None where its shard's file should be there."""
        if future.status == "error":
            return f"{type(future.exception()).__name__}: {future.exception()}".splitlines()[0]
        if future.status != "finished":
            return f"its task was {future.status}"
        code, message, host = future.result()
        if code == 0:
            return None
        if code < 0:
            return f"its process was killed by signal {-code} on {host}"
        return f"exit code {code} on {host}" + (f": {message}" if message else "")

    def look(self):
        """One look at files and futures; returns the shards that are not finished."""
        self.files.look()
        now = time.monotonic()
        for shard, size in self.files.sizes.items():
            if size > self.sizes[shard]:
                self.sizes[shard] = size
                self.advanced[shard] = now
                self.began.add(shard)
                self.fruitless[shard] = 0
        left = [s for s in range(self.options.shards) if s not in self.files.finished]
        for shard in left:
            for future in [f for f in self.futures[shard] if f.done()]:
                self.futures[shard].remove(future)
                reason = self.ended(shard, future)
                if reason is None:
                    self.missing_since.setdefault(shard, now)
                elif not self.futures[shard]:
                    self.again(shard, reason)
            since = self.missing_since.get(shard)
            if since is not None and now - since > GRACE_SECONDS:
                self.fruitless[shard] += 1  # it takes long to find out: half as often
                self.again(
                    shard, f"it has ended, but its file is not in {self.options.out}, which must"
                    " be the same folder on every machine")
        if left:
            self.resubmit_stalled(left, now)
        return left

    def resubmit_stalled(self, left, now):
        """Submits again what no longer advances.

        The old futures are kept, so that the scheduler does not take the slots of workers that no
        longer answer for free ones.
        """
        stall = self.options.stall
        overall = max(self.advanced.values(), default=now)
        stalled = [
            s for s in left if s not in self.missing_since
            and now - (self.advanced[s] if s in self.began else overall) > stall]
        if not stalled:
            return
        if not self.client.nthreads():
            say("no workers are connected to the scheduler; waiting for some")
            for shard in left:
                self.advanced[shard] = time.monotonic()
            return
        for shard in stalled:
            where = f" on {self.host[shard]}" if shard in self.began else ""
            self.again(shard, f"it has not advanced for {stall:g} s{where}")

    def run(self, stopping):
        """Until every shard's file is there; whether it came to that."""
        self.files.look()
        for shard in range(self.options.shards):
            if shard not in self.files.finished:
                self.submit(shard)
        if not self.client.nthreads():
            say("no workers are connected to the scheduler; waiting for some")
        while True:
            if stopping():
                return self.stop()
            if self.client.status == "closed":
                raise Failure(4, "the scheduler is lost; run the sweep again to go on")
            if self.client.status == "running" and not self.look():
                return True
            time.sleep(LOOK_SECONDS)

    def stop(self):
        """Cancels what has not begun, and waits for the runs under way."""
        self.client.cancel([f for futures in self.futures.values() for f in futures], force=True)
        while any(time.monotonic() - told < SILENT_SECONDS for told in list(self.alive.values())):
            time.sleep(LOOK_SECONDS)
        return False


def arguments():
    parser = argparse.ArgumentParser(description="Runs a sweep's shards on a Dask cluster.")
    parser.add_argument("plan", help="what 'moesim sweep plan' wrote")
    parser.add_argument("--shards", type=int, required=True, help="the plan's number of shards")
    parser.add_argument("--out", required=True, help="the folder of part files")
    parser.add_argument("--moesim", default="moesim", help="the program, as workers see it")
    parser.add_argument("--scheduler", help="tcp://HOST:PORT; else a cluster is started here")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="of that cluster")
    parser.add_argument(
        "--stall", type=float, default=os.environ.get("MOESIM_STALL", "300"),
        help="seconds without any advance after which a shard is submitted again (300)")
    parser.add_argument(
        "--die-with-parent", action="store_true", help="stop when the caller's process ends")
    options = parser.parse_args()
    if not options.stall > 0:
        parser.error(f"--stall {options.stall:g}: expected seconds above 0")
    if options.shards < 1 or options.workers < 1:
        parser.error("--shards and --workers: expected 1 or more")
    if not os.path.isfile(options.plan):
        parser.error(f"{options.plan}: no such plan")
    options.plan, options.out = os.path.abspath(options.plan), os.path.abspath(options.out)
    return options


def connect(distributed, options):
    """A client, and the cluster that was started for it, if one was."""
    import dask

    for logger in ("distributed", "distributed.client"):
        logging.getLogger(logger).setLevel(logging.CRITICAL)  # what matters is told below
    if options.scheduler:
        try:
            return distributed.Client(options.scheduler, timeout=10), None
        except (OSError, ValueError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise Failure(
                4, f"the Dask scheduler {options.scheduler} was not reached: {reason}") from None
    # A task is not to blame for the deaths of the workers that it happened to be on.
    dask.config.set({"distributed.scheduler.allowed-failures": 1000})
    cluster = distributed.LocalCluster(
        n_workers=options.workers, threads_per_worker=1, memory_limit=0, dashboard_address=None,
        silence_logs=logging.CRITICAL)
    return distributed.Client(cluster), cluster


def main():
    options = arguments()
    try:
        import distributed
    except ModuleNotFoundError as error:
        say(f"Dask is missing ({error}): run 'make dask', or name a Python that has the package"
            " 'distributed' in MOESIM_PYTHON")
        return 3
    asked = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.append(True))
    parent = os.getppid()
    if options.die_with_parent:
        os.setpgrp()  # the terminal's Ctrl-C is for the caller, who passes it on
    client = cluster = None
    try:
        os.makedirs(options.out, exist_ok=True)
        files = ShardFiles(options.plan, options.shards, options.out)
        client, cluster = connect(distributed, options)
        sweep = Sweep(client, files, options)
        done = sweep.run(
            lambda: asked or options.die_with_parent and os.getppid() != parent)
        return 0 if done else 130
    except Failure as failure:
        say(failure)
        return failure.code
    except OSError as error:
        say(error)
        return 4 if client is not None and client.status != "running" else 1
    finally:
        for thing in (client, cluster):
            if thing is not None:
                thing.close(timeout=5)


if __name__ == "__main__":
    sys.exit(main())
