"""Encodings made by actors of a Ray cluster: handed out in order, done again where an actor is lost."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from data.errors import KaodexError, UnusableCluster
from embedder import Detector, Encoder
from embedder.parcel import pack_detector, pack_encoder
from index.cluster.actor import FaceEncoder
from index.cluster.connection import cluster
from index.cluster.posts import posts
from index.enrolment import Enrolment
from index.picture_faces import PictureFaces, Take, Unusable

IN_HAND = 2
"""Batches given to an actor at once: one that it works on, and one that lies ready beside it."""

TRIES = 2
"""How many actors may be lost over some pictures before these are done in two halves, or a single one is given up."""

SECONDS_TO_START = 120.0
"""How long no actor at all may be there before the cluster is given up."""


class RayWorkers:
    """One actor for each CPU of a cluster, or for each GPU, each with an encoder and a detector of its own.

    Everything that an actor needs is sent to it, so the machines need no files of ours but Kaodex itself. Pictures go
    out as bytes through Ray's object store, of which at most a quarter is filled; encodings and small crops come back.
    An actor that is lost is replaced and its pictures are done again.
    """

    def __init__(self, address: str, encoder: Encoder, detector: Detector, *, device: str, take: Take) -> None:
        """Connect and start the actors; raises MissingDependency, UnusableCluster, UnusableEncoder."""
        with ExitStack() as leaving:
            self._ray = ray = leaving.enter_context(cluster(address))
            self._parcels = [ray.put(parcel) for parcel in (pack_encoder(encoder), pack_detector(detector))]
            alive = [node for node in ray.nodes() if node["Alive"]]
            here = ray.get_runtime_context().get_node_id()
            stores = [node["Resources"].get("object_store_memory", 0) for node in alive if node["NodeID"] == here]
            self._most_bytes = sum(stores) / 4
            self._posts = posts([node["Resources"] for node in alive], device)
            self.ahead = (IN_HAND + 1) * self._posts.count
            self._fingerprint = encoder.fingerprint
            self._take = take
            self._actor = ray.remote(num_cpus=self._posts.cpus, num_gpus=self._posts.gpus)(FaceEncoder)
            self._hands: list[_Hand] = []
            self._waiting: deque[_Task] = deque()
            self._bytes = 0
            self._lost = 0
            """Actors, one after another, with no batch finished between them."""
            self._anybody_came = False
            self._alone_since = monotonic()
            leaving.callback(self._dismiss)
            for _ in range(self._posts.count):
                self._hire()
            self._leaving = leaving.pop_all()

    def __enter__(self) -> RayWorkers:
        return self

    def __exit__(self, *exception: object) -> None:
        self._leaving.close()

    def begin(self, contents: Sequence[bytes]) -> RayWork:
        """Put the pictures into the object store and hand them to an actor, as soon as there is room."""
        size = sum(map(len, contents))
        while self._bytes and self._bytes + size > self._most_bytes:
            self._turn()
        work = RayWork(self, len(contents))
        self._bytes += size
        self._waiting.append(_Task(work, 0, len(contents), self._ray.put(list(contents)), size))
        self._turn(wait=False)
        return work

    def _turn(self, wait: bool = True) -> None:
        """Hand out what waits, then take what has come back; with `wait`, wait a moment until something has."""
        ready = [hand for hand in self._hands if hand.ready]
        while self._waiting and ready and len((free := min(ready, key=lambda hand: len(hand.tasks))).tasks) < IN_HAND:
            task = self._waiting.popleft()
            free.tasks[free.actor.encode.remote(task.contents)] = task
        awaited = [ref for hand in self._hands for ref in hand.awaited()]
        if wait:
            self._ray.wait(awaited, num_returns=1, timeout=1.0)
        done, _ = self._ray.wait(awaited, num_returns=len(awaited), timeout=0)
        back = set(done)
        for hand in list(self._hands):
            self._hear(hand, back)
        if any(hand.ready for hand in self._hands):
            self._alone_since = monotonic()
        elif monotonic() - self._alone_since > SECONDS_TO_START:
            raise UnusableCluster(
                f"no worker has started on the cluster for {SECONDS_TO_START:.0f} s; `ray status` tells what is free. "
                "What is written is kept, and the same command goes on from there"
            )

    def _hear(self, hand: _Hand, back: set[Any]) -> None:
        """Take what an actor has done."""
        lost = self._ray.exceptions.RayError
        try:
            if not hand.ready and hand.start in back:
                self._ray.get(hand.start).check(self._fingerprint)
                hand.ready = self._anybody_came = True
            for ref in [ref for ref in hand.tasks if ref in back]:
                found = self._ray.get(ref)
                hand.tasks.pop(ref).finish(found)
                self._lost = 0
        except self._ray.exceptions.RayTaskError as error:  # the actor lives, its work raised an error
            if isinstance(error.cause, KaodexError):
                raise error.cause from None
            raise
        except lost as error:
            self._replace(hand, error)

    def _hire(self) -> None:
        actor = self._actor.remote()
        start = actor.prepare.remote(
            *self._parcels,
            device=self._posts.device,
            threads=max(1, self._posts.cpus),
            take=self._take,
        )
        self._hands.append(_Hand(actor, start))

    def _replace(self, hand: _Hand, why: Exception) -> None:
        """Start another actor in the place of a lost one, and put what that one had to do first in the row."""
        self._hands.remove(hand)
        self._ray.kill(hand.actor)
        self._lost += 1
        most = 2 * self._posts.count + 8 if self._anybody_came else 2
        if self._lost > most:
            raise UnusableCluster(
                f"the cluster's workers end one after another, the last with: {' '.join(str(why).split())[:600]} "
                "(is the same Kaodex installed on all machines, and do they have memory enough?)"
            )
        self._hire()
        begun, *others = hand.tasks.values() or [None]
        again = self._again(begun) if begun else []
        self._waiting.extendleft(reversed([*again, *others]))

    def _again(self, task: _Task) -> list[_Task]:
        """What is to be done of a task over which an actor was lost.

        The machine may have gone for any reason, so all of it once more; where that ends the same, its two halves, so
        that a picture which no actor survives is found, and is the only one to be given up.
        """
        task.lost += 1
        if task.lost < TRIES:
            return [task]
        if task.count == 1:
            why = f"{task.lost} workers of the cluster ended over it, perhaps for want of memory"
            task.finish([Unusable(Enrolment.UNREADABLE, why)])
            return []
        contents = self._ray.get(task.contents)
        middle = task.count // 2
        halves = [(task.first, contents[:middle]), (task.first + middle, contents[middle:])]
        return [
            _Task(task.work, first, len(half), self._ray.put(half), sum(map(len, half)), task.lost - 1)
            for first, half in halves
        ]

    def _dismiss(self) -> None:
        for hand in self._hands:
            self._ray.kill(hand.actor)
        self._hands.clear()


class RayWork:
    """A batch of pictures that is with the cluster."""

    def __init__(self, workers: RayWorkers, count: int) -> None:
        self._workers = workers
        self._missing = count
        self._found: list[Any] = [None] * count

    def result(self) -> list[PictureFaces | Unusable]:
        """What became of each picture, in order; raises UnusableCluster, and what encoding raises."""
        while self._missing:
            self._workers._turn()
        return self._found

    def take(self, first: int, found: Sequence[PictureFaces | Unusable], size: int) -> None:
        """Keep what became of the pictures from the `first` on, which were `size` bytes."""
        self._found[first : first + len(found)] = found
        self._missing -= len(found)
        self._workers._bytes -= size


@dataclass
class _Task:
    """Pictures that are encoded together: a batch, or a part of one."""

    work: RayWork
    first: int
    count: int
    contents: Any
    """A reference into the object store."""
    size: int
    lost: int = 0
    """Actors that were lost while they worked on it."""

    def finish(self, found: Sequence[PictureFaces | Unusable]) -> None:
        self.work.take(self.first, found, self.size)


@dataclass(eq=False)
class _Hand:
    """An actor and what it has to do, in the order in which it does it."""

    actor: Any
    start: Any
    ready: bool = False
    tasks: dict[Any, _Task] = field(default_factory=dict)

    def awaited(self) -> list[Any]:
        return list(self.tasks) if self.ready else [self.start]
