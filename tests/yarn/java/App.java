import java.io.File;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.hadoop.yarn.api.records.*;
import org.apache.hadoop.yarn.client.api.AMRMClient;
import org.apache.hadoop.yarn.client.api.YarnClient;
import org.apache.hadoop.yarn.conf.YarnConfiguration;

/** The smallest real YARN application: its master registers, lives for a while, and says how it ended.
    App submit TAG SECONDS [SUCCEEDED|FAILED]: logs what each client of YARN logs, waits, exits with 0 when it succeeded.
    App submit TAG SECONDS STATUS leave: does not wait. App run SECONDS STATUS: the master. */
public class App {
  public static void main(String[] args) throws Exception {
    if (args[0].equals("run")) run(Double.parseDouble(args[1]), FinalApplicationStatus.valueOf(args[2]));
    else submit(args[1], args[2], args.length > 3 ? args[3] : "SUCCEEDED", args.length > 4);
  }

  static void submit(String tag, String seconds, String status, boolean leave) throws Exception {
    YarnClient yarn = YarnClient.createYarnClient();
    yarn.init(new YarnConfiguration());
    yarn.start();
    ApplicationSubmissionContext app = yarn.createApplication().getApplicationSubmissionContext();
    app.setApplicationName("App");
    if (!tag.isEmpty()) app.setApplicationTags(Set.of(tag));
    app.setMaxAppAttempts(1);
    app.setResource(Resource.newInstance(256, 1));
    String conf = new File(App.class.getClassLoader().getResource("core-site.xml").toURI()).getParent();
    String classes = new File(App.class.getProtectionDomain().getCodeSource().getLocation().toURI()).getPath();
    String lib = new File(YarnClient.class.getProtectionDomain().getCodeSource().getLocation().toURI()).getParent();
    String command = String.format("exec %s/bin/java -Xmx64m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp '%s:%s:%s/*' App run %s %s"
        + " >%s/stdout 2>%s/stderr", System.getProperty("java.home"), conf, classes, lib, seconds, status, "<LOG_DIR>", "<LOG_DIR>");
    app.setAMContainerSpec(ContainerLaunchContext.newInstance(Map.of(), Map.of(), List.of(command), null, null, null));
    ApplicationId id = yarn.submitApplication(app);
    FinalApplicationStatus end;
    do {
      Thread.sleep(300);
      end = yarn.getApplicationReport(id).getFinalApplicationStatus();
    } while (!leave && end == FinalApplicationStatus.UNDEFINED);
    System.exit(leave || end == FinalApplicationStatus.SUCCEEDED ? 0 : 1);
  }

  static void run(double seconds, FinalApplicationStatus status) throws Exception {
    AMRMClient<AMRMClient.ContainerRequest> yarn = AMRMClient.createAMRMClient();
    yarn.init(new YarnConfiguration());
    yarn.start();
    yarn.registerApplicationMaster("localhost", 0, "");
    for (long end = System.nanoTime() + (long) (seconds * 1e9); System.nanoTime() < end; Thread.sleep(500)) yarn.allocate(0.5f);
    yarn.unregisterApplicationMaster(status, status == FinalApplicationStatus.FAILED ? "it was told to fail" : "", "");
  }
}
