import java.util.Map;
import org.apache.kafka.streams.state.RocksDBConfigSetter;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.Cache;
import org.rocksdb.LRUCache;
import org.rocksdb.Options;
import org.rocksdb.WriteBufferManager;

/**
 * One bound for the blocks, indexes, filters and write buffers of all stores of the process, as Kafka
 * Streams' guide to memory management shows it.
 */
public final class SmallStore implements RocksDBConfigSetter {
  static final String BYTES = "bench.store.bytes";

  private static Cache cache;
  private static WriteBufferManager buffers;

  private static synchronized void share(long bytes) {
    if (cache != null) return;
    cache = new LRUCache(bytes);
    buffers = new WriteBufferManager(bytes / 2, cache);
  }

  @Override
  public void setConfig(String store, Options options, Map<String, Object> configs) {
    share(Long.parseLong((String) configs.get(BYTES)));
    BlockBasedTableConfig table = (BlockBasedTableConfig) options.tableFormatConfig();
    table.setBlockCache(cache);
    table.setCacheIndexAndFilterBlocks(true);
    options.setWriteBufferManager(buffers);
    options.setTableFormatConfig(table);
  }

  /** What is shared lives as long as the process. */
  @Override
  public void close(String store, Options options) {}
}
