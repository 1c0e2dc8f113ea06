import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.io.LongWritable;
import org.apache.hadoop.io.Text;
import org.apache.hadoop.mapreduce.Mapper;
import org.apache.hadoop.mapreduce.lib.input.FileInputFormat;
import org.apache.hadoop.mapreduce.lib.output.NullOutputFormat;

/** A MapReduce job whose main class takes no generic options: Job INPUT SECONDS. Each line of the input takes that long. */
public class Job {
  public static class Slowly extends Mapper<LongWritable, Text, LongWritable, Text> {
    @Override
    protected void map(LongWritable key, Text line, Context context) throws InterruptedException {
      for (int i = 0; i < context.getConfiguration().getInt("job.seconds", 0) * 2; i++) {
        Thread.sleep(500);
        context.progress();
      }
    }
  }

  public static void main(String[] args) throws Exception {
    Configuration conf = new Configuration();
    conf.setBoolean("mapreduce.job.ubertask.enable", true); // in the master's process: one JVM less
    conf.setInt("job.seconds", Integer.parseInt(args[1]));
    org.apache.hadoop.mapreduce.Job job = org.apache.hadoop.mapreduce.Job.getInstance(conf, "Job");
    job.setJarByClass(Job.class);
    job.setMapperClass(Slowly.class);
    job.setNumReduceTasks(0);
    job.setOutputFormatClass(NullOutputFormat.class);
    FileInputFormat.addInputPath(job, new Path(args[0]));
    System.exit(job.waitForCompletion(true) ? 0 : 1);
  }
}
