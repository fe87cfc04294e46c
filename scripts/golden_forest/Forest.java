import com.amazon.randomcutforest.RandomCutForest;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.List;

/** Scores of AWS's forest for the rows on the standard input, each scored before it is learned: a line for each seed. */
public class Forest {
    public static void main(String[] arguments) throws Exception {
        int seeds = Integer.parseInt(arguments[0]);
        int samples = Integer.parseInt(arguments[1]);
        int shingle = Integer.parseInt(arguments[2]);
        List<float[]> rows = new ArrayList<>();
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] texts = line.split(" ");
            float[] row = new float[texts.length];
            for (int i = 0; i < row.length; i++) row[i] = Float.parseFloat(texts[i]);
            rows.add(row);
        }
        for (int seed = 1; seed <= seeds; seed++) {
            RandomCutForest forest = RandomCutForest.builder()
                    .dimensions(rows.get(0).length * shingle)
                    .shingleSize(shingle)
                    .internalShinglingEnabled(shingle > 1)
                    .numberOfTrees(50)
                    .sampleSize(samples)
                    .randomSeed(seed)
                    .build();
            StringBuilder scores = new StringBuilder();
            for (float[] row : rows) {
                scores.append(forest.getAnomalyScore(row)).append(' ');
                forest.update(row);
            }
            System.out.println(scores.toString().trim());
        }
    }
}
