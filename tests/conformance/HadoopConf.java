import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.HashMap;
import java.util.Map;
import org.apache.hadoop.hdfs.HdfsConfiguration;
import org.apache.hadoop.mapred.JobConf;
import org.apache.hadoop.yarn.conf.YarnConfiguration;

/** Reads "DIRECTORY TAB NAME" lines and adds what a MapReduce client gets for NAME. Argument: what is loaded first. */
public class HadoopConf {
    public static void main(String[] args) throws Exception {
        if (args[0].equals("hdfs")) {
            HdfsConfiguration.init();
            new YarnConfiguration();
        }
        new JobConf();
        HdfsConfiguration.init();
        Map<String, JobConf> confs = new HashMap<>();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
        for (String line; (line = in.readLine()) != null;) {
            String[] parts = line.split("\t", 2);
            JobConf conf = confs.get(parts[0]);
            if (conf == null) {
                conf = new JobConf();
                conf.setClassLoader(new URLClassLoader(new URL[] {new File(parts[0]).toURI().toURL()},
                        HadoopConf.class.getClassLoader()));
                conf.reloadConfiguration();
                confs.put(parts[0], conf);
            }
            String value;
            try {
                value = conf.getTrimmed(parts[1], "");
            } catch (IllegalStateException tooDeep) {
                value = "";
            }
            System.out.println(line + "\t" + value.replace('\n', ' '));
        }
    }
}
