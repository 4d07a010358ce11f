import java.time.Duration;
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
 * java -cp JARS KafkaStreamsCounter.java BROKER TOPIC GROUP OUTPUT STATE_FOLDER CACHE_BYTES
 * With a cache of 0 bytes there is an output and a changelog record for every event; with its default of 10 MiB the
 * cache keeps what happens to a key between two commits (a second apart) to one of each.
 */
public final class KafkaStreamsCounter {
    public static void main(String[] arguments) throws InterruptedException {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", arguments[0]);
        settings.put("application.id", arguments[2]);
        settings.put("state.dir", arguments[4]);
        settings.put("statestore.cache.max.bytes", arguments[5]);
        settings.put("processing.guarantee", "at_least_once");
        settings.put("commit.interval.ms", "1000");
        settings.put("num.stream.threads", "1");
        settings.put("replication.factor", "1");
        settings.put("consumer.auto.offset.reset", "earliest");
        settings.put("consumer.max.poll.records", "10000");
        settings.put("consumer.max.partition.fetch.bytes", "1048576");
        settings.put("producer.linger.ms", "20");
        settings.put("producer.batch.size", "524288");
        settings.put("producer.buffer.memory", "134217728");

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
            .to(arguments[3], Produced.with(Serdes.Bytes(), Serdes.Long()));

        KafkaStreams streams = new KafkaStreams(builder.build(), settings);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(Duration.ofSeconds(10))));
        streams.start();
        Thread.currentThread().join();
    }
}
