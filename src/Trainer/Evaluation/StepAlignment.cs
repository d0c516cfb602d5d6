namespace Mcn.Web.Trainer.Evaluation;

/// <summary>
/// Ordered steps on the seconds of a video (CrossTask's decoding, mcn-spec §9.4): dynamic programming over states background, step 1,
/// background, step 2, …, background, which may be passed only in this order. Pure.
/// </summary>
public static class StepAlignment
{
    public const int Background = -1;

    /// <summary>The assignment with the largest sum of scores.</summary>
    /// <param name="scores">(T, K), row by row: how well step k fits second t. Background scores 0.</param>
    /// <param name="steps">K.</param>
    /// <param name="exactlyOnce">Each step takes exactly one second; off: it may take several in a row.</param>
    /// <returns>For each second its step, or <see cref="Background"/>; all background where T = K, as in the original.</returns>
    /// <exception cref="ArgumentException">Fewer seconds than steps.</exception>
    public static int[] Align(ReadOnlySpan<float> scores, int steps, bool exactlyOnce = true)
    {
        var seconds = scores.Length / steps;
        if (seconds < steps) throw new ArgumentException($"{seconds} seconds for {steps} steps", nameof(scores));
        var result = new int[seconds];
        if (seconds == steps)
        {
            // One order fits, but the original's compiled routine leaves everything to background then (golden alignment, T = K).
            Array.Fill(result, Background);
            return result;
        }

        var states = (2 * steps) + 1;
        var (cost, next) = (new double[states], new double[states]);
        cost.AsSpan(1).Fill(double.PositiveInfinity);
        var from = new byte[seconds * states]; // how many states back the predecessor is
        for (var second = 0; second < seconds; second++)
        {
            for (var state = 0; state < states; state++)
            {
                var isStep = state % 2 == 1;
                // Candidates in the original's order; an equal cost does not replace an earlier one.
                var (best, back) = isStep && exactlyOnce ? (double.PositiveInfinity, 1) : (cost[state], 0);
                if (state >= 1 && cost[state - 1] < best) (best, back) = (cost[state - 1], 1);
                if (isStep && state >= 2 && cost[state - 2] < best) (best, back) = (cost[state - 2], 2);
                next[state] = best - (isStep ? scores[(second * steps) + (state / 2)] : 0);
                from[(second * states) + state] = (byte)back;
            }

            (cost, next) = (next, cost);
        }

        var last = cost[states - 1] < cost[states - 2] ? states - 1 : states - 2;
        for (var second = seconds - 1; second >= 0; second--)
        {
            result[second] = last % 2 == 1 ? last / 2 : Background;
            last -= from[(second * states) + last];
        }

        return result;
    }

    /// <summary>
    /// Ordered full segmentation (Viterbi): every second belongs to exactly one step, the steps come in order, each has at least one
    /// second, there is no background.
    /// </summary>
    /// <inheritdoc cref="Align"/>
    public static int[] Segment(ReadOnlySpan<float> scores, int steps)
    {
        var seconds = scores.Length / steps;
        if (seconds < steps) throw new ArgumentException($"{seconds} seconds for {steps} steps", nameof(scores));
        var (sum, next) = (new double[steps], new double[steps]);
        sum.AsSpan().Fill(double.NegativeInfinity);
        var entered = new bool[seconds * steps];
        for (var second = 0; second < seconds; second++)
        {
            for (var step = 0; step < steps; step++)
            {
                var before = second == 0 ? (step == 0 ? 0 : double.NegativeInfinity) : step == 0 ? double.NegativeInfinity : sum[step - 1];
                var stays = second == 0 ? double.NegativeInfinity : sum[step];
                entered[(second * steps) + step] = before > stays;
                next[step] = Math.Max(before, stays) + scores[(second * steps) + step];
            }

            (sum, next) = (next, sum);
        }

        var result = new int[seconds];
        var at = steps - 1;
        for (var second = seconds - 1; second >= 0; second--)
        {
            result[second] = at;
            if (entered[(second * steps) + at] && second > 0) at--;
        }

        return result;
    }
}
