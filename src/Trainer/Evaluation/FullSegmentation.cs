namespace Mcn.Web.Trainer.Evaluation;

/// <summary>
/// Mining YouTube: every second belongs to one step of the ordered transcript, or to an optional background (mcn-spec §9.5). Neither the
/// decoder nor the measures are in the original's repository, so this is our definition of them. Pure.
/// </summary>
public static class FullSegmentation
{
    /// <summary>The definition, as it is printed beside the numbers.</summary>
    public const string Definition =
        "our definition: each second belongs to exactly one step of the ordered transcript (Viterbi over log-softmax scores, no length model); "
        + "per video and step with D decoded and G true seconds IoD = |D and G| / |D|, IoU = |D and G| / |D or G|; "
        + "mean over the video's steps that have true seconds, then over videos";

    /// <summary>
    /// The ordered segmentation of the greatest summed score; every step takes at least one second. On a tie a step goes on rather than
    /// ends.
    /// </summary>
    /// <param name="scores">(seconds, steps), such as log-probabilities.</param>
    /// <param name="background">Score of a second that belongs to no step; null: there are no such seconds.</param>
    /// <returns>The step of each second, -1 for background.</returns>
    public static int[] Decode(ReadOnlySpan<float> scores, int steps, double? background = null)
    {
        var seconds = StepLocalisation.Seconds(scores, steps);
        if (seconds < steps) throw new ArgumentException($"{steps} steps do not fit into {seconds} seconds", nameof(scores));
        var states = (2 * steps) + 1; // odd: step; even: the background before it, closed when there is none
        var (before, now) = (new double[states], new double[states]);
        var cameFrom = new byte[seconds * states];
        before.AsSpan().Fill(double.NegativeInfinity);
        for (var t = 0; t < seconds; t++)
        {
            for (var state = 0; state < states; state++)
            {
                var isStep = state % 2 == 1;
                var (best, back) = (before[state], (byte)0);
                if (t == 0 && state <= 1) best = 0;
                if (state >= 1 && before[state - 1] > best) (best, back) = (before[state - 1], 1);
                if (isStep && state >= 2 && before[state - 2] > best) (best, back) = (before[state - 2], 2);
                now[state] = best + (isStep ? scores[(t * steps) + (state / 2)] : background ?? double.NegativeInfinity);
                cameFrom[(t * states) + state] = back;
            }

            (before, now) = (now, before);
        }

        var path = new int[seconds];
        var at = before[states - 1] > before[states - 2] ? states - 1 : states - 2;
        for (var t = seconds - 1; t >= 0; t--)
        {
            path[t] = at % 2 == 1 ? at / 2 : -1;
            at -= cameFrom[(t * states) + at];
        }

        return path;
    }

    /// <summary>Intersection over detection and over union of one video; NaN when no step has a true second.</summary>
    /// <param name="path">Of <see cref="Decode"/>.</param>
    /// <param name="truth">(seconds, steps).</param>
    public static (double Iod, double Iou) Overlap(ReadOnlySpan<int> path, ReadOnlySpan<bool> truth, int steps)
    {
        var (iod, iou, counted) = (0.0, 0.0, 0);
        for (var step = 0; step < steps; step++)
        {
            var (both, decoded, real) = (0, 0, 0);
            for (var t = 0; t < path.Length; t++)
            {
                var isReal = truth[(t * steps) + step];
                if (path[t] == step) decoded++;
                if (isReal) real++;
                if (path[t] == step && isReal) both++;
            }

            if (real == 0) continue;
            counted++;
            iod += decoded == 0 ? 0 : both / (double)decoded;
            iou += both / (double)(decoded + real - both);
        }

        return (iod / counted, iou / counted);
    }

    /// <summary>Logarithm of the softmax over the steps of each second.</summary>
    public static float[] LogSoftmax(ReadOnlySpan<float> scores, int steps)
    {
        var result = new float[scores.Length];
        for (var start = 0; start < scores.Length; start += steps)
        {
            var row = scores.Slice(start, steps);
            double largest = row[0];
            foreach (var score in row) largest = Math.Max(largest, score);
            var sum = 0.0;
            foreach (var score in row) sum += Math.Exp(score - largest);
            for (var i = 0; i < steps; i++) result[start + i] = (float)(row[i] - largest - Math.Log(sum));
        }

        return result;
    }
}
