"""RocksDB's options from one memory budget, shared by all partitions of a worker.

Everything that grows with the data is charged to one block cache of the budget's size: data blocks, index and filter
blocks, and the write buffers, which get at most a third of it. Left to themselves, RocksDB keeps the index and filter
of every open file outside of the cache, and each partition has a write buffer, and in Faust's store a block cache, of
its own.
"""

from typing import Final

from rocksdict import BlockBasedOptions, Cache, DBCompressionType, Options, WriteBufferManager

MIN_MEMORY_MB: Final = 16
_MIB: Final = 1024 * 1024
_SMALLEST_WRITE_BUFFER: Final = 1 * _MIB
_OPEN_FILES: Final = 512
_BLOOM_BITS: Final = 10.0


class Budget:
    """Makes options that share `memory_mb` MiB."""

    def __init__(self, memory_mb: int) -> None:
        size = max(memory_mb, MIN_MEMORY_MB) * _MIB
        self.cache = Cache(size)
        self.buffers = WriteBufferManager.new_write_buffer_manager_with_cache(size // 3, False, self.cache)
        self._write_buffer_bytes = max(_SMALLEST_WRITE_BUFFER, size // 6)

    def options(self) -> Options:
        """For the database, and for each partition in it."""
        options = Options(raw_mode=True)
        options.create_if_missing(True)
        options.set_block_based_table_factory(self._blocks())
        options.set_write_buffer_manager(self.buffers)
        options.set_write_buffer_size(self._write_buffer_bytes)
        options.set_arena_block_size(64 * 1024)  # else an eighth of the write buffer, for a partition with one row too
        options.set_memtable_whole_key_filtering(True)
        options.set_memtable_prefix_bloom_ratio(0.02)
        options.set_compression_type(DBCompressionType.lz4())
        options.set_target_file_size_base(max(4 * _MIB, self._write_buffer_bytes))
        options.set_max_open_files(_OPEN_FILES)
        options.set_max_background_jobs(2)
        options.set_keep_log_file_num(2)
        options.set_max_log_file_size(_MIB)
        options.set_stats_dump_period_sec(0)
        return options

    def _blocks(self) -> BlockBasedOptions:
        blocks = BlockBasedOptions()
        blocks.set_block_cache(self.cache)
        blocks.set_block_size(8 * 1024)  # a row has 1 to 3 KiB: blocks of 4 would often hold but one
        blocks.set_cache_index_and_filter_blocks(True)
        blocks.set_pin_l0_filter_and_index_blocks_in_cache(True)
        blocks.set_bloom_filter(_BLOOM_BITS, False)  # type: ignore[arg-type]  # a float; the tombstone row says int
        blocks.set_format_version(5)
        return blocks
