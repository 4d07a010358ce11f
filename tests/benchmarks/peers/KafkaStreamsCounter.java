import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;

/**
 * Kafka Streams with a count for each key: RocksDB state, changelog, at least once, one stream thread.
 * java -cp JARS KafkaStreamsCounter.java
 *     BROKER TOPIC GROUP OUTPUT STATE_FOLDER CACHE_BYTES COMMIT_MS LINGER_MS VALUE_BYTES
 * With a cache of 0 bytes there is an output and a changelog record for every event; with its default of 10 MiB the
 * cache keeps what happens to a key between two commits to one of each.
 * Throughput: a commit a second (its default is 30 s), a linger of 20 ms (100 ms). Latency: a commit every 100 ms, since
 * the cache speaks at commits alone, and a linger of 1 ms. In both: polls of up to 10,000 records (1,000), batches of
 * up to 512 KiB (16 KiB), so that it is not held up by small ones; fetches of up to 1 MiB a partition, its default.
 * VALUE_BYTES: each output is so long, the number in digits and spaces behind it; 0 leaves the number, in eight bytes.
 */
public final class KafkaStreamsCounter {
    public static void main(String[] arguments) throws InterruptedException {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", arguments[0]);
        settings.put("application.id", arguments[2]);
        settings.put("state.dir", arguments[4]);
        settings.put("statestore.cache.max.bytes", arguments[5]);
        settings.put("processing.guarantee", "at_least_once");
        settings.put("commit.interval.ms", arguments[6]);
        settings.put("num.stream.threads", "1");
        settings.put("replication.factor", "1");
        settings.put("consumer.auto.offset.reset", "earliest");
        settings.put("consumer.max.poll.records", "10000");
        settings.put("consumer.max.partition.fetch.bytes", "1048576");
        settings.put("producer.linger.ms", arguments[7]);
        settings.put("producer.batch.size", "524288");
        settings.put("producer.buffer.memory", "134217728");

        int valueBytes = Integer.parseInt(arguments[8]);
        AtomicBoolean said = new AtomicBoolean();
        StreamsBuilder builder = new StreamsBuilder();
        builder.stream(arguments[1], Consumed.with(Serdes.Bytes(), Serdes.ByteArray()))
            .peek((key, value) -> {
                if (!said.get() && said.compareAndSet(false, true)) {
                    System.out.printf("{\"first_s\": %d.%03d}%n",
                        System.currentTimeMillis() / 1000, System.currentTimeMillis() % 1000);
                    System.out.flush();
                }
            })
            .groupByKey(Grouped.with(Serdes.Bytes(), Serdes.ByteArray()))
            .count(Materialized.with(Serdes.Bytes(), Serdes.Long()))
            .toStream()
            .mapValues(count -> value(count, valueBytes))
            .to(arguments[3], Produced.with(Serdes.Bytes(), Serdes.ByteArray()));

        KafkaStreams streams = new KafkaStreams(builder.build(), settings);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(Duration.ofSeconds(10))));
        streams.start();
        Thread.currentThread().join();
    }

    private static byte[] value(long count, int size) {
        if (size == 0) {
            return ByteBuffer.allocate(Long.BYTES).putLong(count).array();
        }
        byte[] digits = Long.toString(count).getBytes(StandardCharsets.US_ASCII);
        byte[] value = Arrays.copyOf(digits, Math.max(size, digits.length));
        Arrays.fill(value, digits.length, value.length, (byte) ' ');
        return value;
    }
}
