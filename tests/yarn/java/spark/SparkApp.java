import org.apache.spark.sql.SparkSession;

/** A Spark application that lives for so many seconds and ends with that exit code: SparkApp SECONDS [CODE]. */
public class SparkApp {
  public static void main(String[] args) throws Exception {
    SparkSession spark = SparkSession.builder().appName("SparkApp").getOrCreate();
    Thread.sleep((long) (Double.parseDouble(args[0]) * 1000));
    if (args.length > 1 && Integer.parseInt(args[1]) != 0) System.exit(Integer.parseInt(args[1]));
    spark.stop();
  }
}
