"""Disks that are full: the broker's, and the worker's."""

from tests.chaos.experiment import experiment
from tests.chaos.scene import Scene
from tests.chaos.volume import MIB, Volume, small_volume


@experiment("broker-disk-full", broker="small disk")
def no_room_for_the_logs(scene: Scene) -> None:
    """The broker's disk is full, so it ends; with room again it is restarted, and so are the workers."""
    disk = Volume(scene.kafka.folder / "kafka")
    for worker in scene.two_workers():
        worker.may_end(3, 4)
    with scene.load():
        scene.run_a_moment()
        disk.fill(leave_bytes=MIB)
        scene.until(lambda: not scene.kafka.alive, "the broker gives up")
        disk.make_room()
        scene.kafka.restart()
        scene.await_recovery()


@experiment("worker-disk-full")
def no_room_for_the_worker(scene: Scene) -> None:
    """The disk with the workers' rows (RocksDB) and logs is full until a worker stops; with room again it goes on."""
    disk = scene.keep(small_volume(scene.folder, 64))
    workers = scene.two_workers(store="rocksdb", store_dir=scene.folder / "rows", store_memory_mb=16)
    for worker in workers:
        worker.may_end(4)
    with scene.load(rate=3_000):
        scene.run_a_moment()
        disk.fill()
        scene.until(lambda: any(worker.ended for worker in workers), "a worker stops for want of room")
        scene.run_for(2)
        disk.make_room()
        scene.await_recovery()
