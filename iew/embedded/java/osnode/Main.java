package osnode;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.opensearch.Version;
import org.opensearch.cluster.service.ClusterService;
import org.opensearch.common.logging.LogConfigurator;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.http.HttpServerTransport;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.plugins.PluginInfo;
import org.opensearch.transport.TransportService;

/**
 * One OpenSearch node with plugins from the class path, as a child process that never outlives its parent.
 *
 * <p>Arguments: the home of the node, then the class of each plugin. All settings come from config/opensearch.yml in
 * that home. When the node answers, ready.json there tells its ports. End of file on standard input means that the
 * parent is gone, and stops the node like SIGTERM does.
 */
public final class Main {

    private static final int CANNOT_START = 3;

    /** A node whose plugins are on the class path; the official constructor is not public. */
    private static final class ClasspathNode extends Node {
        ClasspathNode(Environment environment, List<PluginInfo> plugins) {
            super(environment, plugins, true);
        }

        @Override
        protected void configureNodeAndClusterIdStateListener(ClusterService clusterService) {
            // The listener stamps log lines with ids; a second node in one process would trip over its static state.
        }
    }

    private Main() {}

    public static void main(String[] arguments) throws Exception {
        Path home = Path.of(arguments[0]).toAbsolutePath();
        Environment environment = environmentOf(home);
        LogConfigurator.registerErrorListener();
        LogConfigurator.configure(environment);
        Node node = new ClasspathNode(environment, plugins(arguments));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> close(node), "close-node"));
        stopAtEndOfInput();
        try {
            node.start();
        } catch (Exception | Error fault) {
            fault.printStackTrace();
            System.exit(CANNOT_START);
        }
        announce(node, home);
        Thread.currentThread().join();
    }

    private static Environment environmentOf(Path home) throws IOException {
        for (String directory : List.of("modules", "plugins")) {
            Files.createDirectories(home.resolve(directory));
        }
        Settings settings = Settings.builder().put("path.home", home.toString()).build();
        return InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), home.resolve("config"), () -> "node-1");
    }

    private static List<PluginInfo> plugins(String[] arguments) {
        String java = String.valueOf(Runtime.version().feature());
        List<PluginInfo> plugins = new ArrayList<>();
        for (int i = 1; i < arguments.length; i++) {
            String name = arguments[i];
            plugins.add(new PluginInfo(name, "classpath", "NA", Version.CURRENT, java, name, List.of(), false));
        }
        return plugins;
    }

    private static void close(Node node) {
        try {
            node.close();
            node.awaitClose(20, TimeUnit.SECONDS);
        } catch (IOException fault) {
            fault.printStackTrace();
        } catch (InterruptedException interruption) {
            Thread.currentThread().interrupt();
        }
    }

    private static void stopAtEndOfInput() {
        Thread watch = new Thread(() -> {
            try {
                while (System.in.read() >= 0) {
                    // Nothing is ever said; only the end counts.
                }
            } catch (IOException closed) {
                // A broken pipe is an end as well.
            }
            System.exit(0);
        }, "parent-watch");
        watch.setDaemon(true);
        watch.start();
    }

    /** Tell the ports in a file: standard output belongs to the logger by now. */
    private static void announce(Node node, Path home) throws IOException {
        int http = node.injector().getInstance(HttpServerTransport.class).boundAddress().publishAddress().getPort();
        int transport = node.injector().getInstance(TransportService.class).boundAddress().publishAddress().getPort();
        Path draft = home.resolve("ready.tmp");
        Files.writeString(draft, "{\"http\": " + http + ", \"transport\": " + transport + "}");
        Files.move(draft, home.resolve("ready.json"), StandardCopyOption.ATOMIC_MOVE);
    }
}
